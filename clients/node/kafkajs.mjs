// kafkajs 2.2.4 as producer and admin (its consumer only knows groups): the oldest versions that a living client asks for.

import kafkajs from 'kafkajs'
import snappy from 'snappyjs'
import zlib from 'node:zlib'
import { bootstrap, eventually, main, refused, same, topic as named } from './cases.mjs'

const { Kafka, CompressionTypes, CompressionCodecs, ConfigResourceTypes, Partitioners, logLevel } = kafkajs
const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING, retry: { retries: 2 } })
const topic = name => named('kafkajs', name)

CompressionCodecs[CompressionTypes.Snappy] = () => ({
  compress: async encoder => Buffer.from(snappy.compress(encoder.buffer)),
  decompress: async buffer => Buffer.from(snappy.uncompress(buffer))
})
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async encoder => zlib.zstdCompressSync(encoder.buffer),
  decompress: async buffer => zlib.zstdDecompressSync(buffer)
})

async function administer (work) {
  const admin = kafka.admin()
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.disconnect()
  }
}

async function send (messages, settings = {}, name, how = {}) {
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, ...settings })
  await producer.connect()
  try {
    return await producer.send({ topic: name, messages, ...how })
  } finally {
    await producer.disconnect()
  }
}

async function create (name, numPartitions = 1, configEntries = []) {
  await administer(admin => admin.createTopics({ topics: [{ topic: name, numPartitions, configEntries }] }))
  return name
}

async function end (name) {
  return await administer(async admin => Number((await admin.fetchTopicOffsets(name))[0].high))
}

await main([
  ['kafkajs/every-codec-it-has', async () => {
    const name = await create(topic('codecs'))
    for (const compression of [CompressionTypes.None, CompressionTypes.GZIP, CompressionTypes.Snappy, CompressionTypes.ZSTD]) {
      const messages = Array.from({ length: 20 }, (_, i) => ({ value: `${compression} ${i} ${'x'.repeat(1000)}` }))
      await send(messages, {}, name, { compression })
    }
    same(await end(name), 80, 'end offset')
  }],
  ['kafkajs/acks-and-idempotence', async () => {
    const name = await create(topic('acks'))
    await send([{ value: '1' }], {}, name, { acks: 1 })
    await send([{ value: 'all' }], {}, name, { acks: -1 })
    await send([{ value: '0' }], {}, name, { acks: 0 })
    await send([{ value: 'idempotent' }], { idempotent: true }, name)
    await eventually('four records', async () => await end(name) === 4)
  }],
  ['kafkajs/headers-keys-and-values', async () => {
    const name = await create(topic('headers'))
    const [done] = await send([
      { key: null, value: null }, { key: '', value: '' },
      { key: 'k', value: 'v', headers: { same: ['1', '2'], empty: '' } }
    ], {}, name)
    same(done.errorCode, 0, 'error')
    same(await end(name), 3, 'end offset')
  }],
  ['kafkajs/admin', async () => {
    const name = await create(topic('admin'), 1, [{ name: 'retention.ms', value: '4242' }])
    await administer(async admin => {
      same(await admin.createTopics({ topics: [{ topic: name }] }), false, 'creation of a topic that exists')
      const { resources } = await admin.describeConfigs({
        includeSynonyms: true, resources: [{ type: ConfigResourceTypes.TOPIC, name }]
      })
      same(resources[0].configEntries.find(c => c.configName === 'retention.ms').configValue, '4242', 'retention.ms')
      await admin.alterConfigs({
        resources: [{ type: ConfigResourceTypes.TOPIC, name, configEntries: [{ name: 'retention.ms', value: '5555' }] }]
      })
      await admin.createPartitions({ topicPartitions: [{ topic: name, count: 3 }] })
      await eventually('three partitions', async () =>
        (await admin.fetchTopicMetadata({ topics: [name] })).topics[0].partitions.length === 3)
      // Kafka itself needs a moment until new partitions are led; the client gives up after two tries.
      await eventually('leaders', () => admin.fetchTopicOffsets(name).then(() => true, () => false))
      await send(Array.from({ length: 10 }, () => ({ value: 'x', partition: 0 })), {}, name)
      await admin.deleteTopicRecords({ topic: name, partitions: [{ partition: 0, offset: '6' }] })
      same((await admin.fetchTopicOffsets(name)).find(p => p.partition === 0).low, '6', 'start offset')
      same((await admin.describeCluster()).brokers.length, 1, 'brokers')
      await admin.deleteTopics({ topics: [name] })
      await eventually('deletion', async () => !(await admin.listTopics()).includes(name))
    })
  }],
  ['kafkajs/offset-for-a-timestamp', async () => {
    const name = await create(topic('times'))
    const start = Date.now() - 100_000
    await send(Array.from({ length: 50 }, (_, i) => ({ value: 'x', timestamp: String(start + i * 1000) })), {}, name)
    const [found] = await administer(admin => admin.fetchTopicOffsetsByTimestamp(name, start + 9_500))
    same(found.offset, '10', 'offset')
  }],
  ['kafkajs/errors', async () => {
    const name = await create(topic('small'), 1, [{ name: 'max.message.bytes', value: '20000' }])
    await refused(/MESSAGE_TOO_LARGE|larger than the max/, () => send([{ value: 'x'.repeat(60_000) }], {}, name))
    await refused(/UNKNOWN_TOPIC_OR_PARTITION|does not host/, () =>
      administer(admin => admin.deleteTopics({ topics: [topic('nowhere')] })))
    await refused(/INVALID_TOPIC|[Ii]nvalid topic|not valid/, () => create('no/slash'))
  }],
  ['kafkajs/a-record-of-10-mib', async () => {
    const name = await create(topic('large'), 1, [{ name: 'max.message.bytes', value: String(12 << 20) }])
    await send([{ value: Buffer.alloc(10 << 20, 7) }, { value: 'x' }], {}, name)
    same(await end(name), 2, 'end offset')
  }]
])
