// @platformatic/kafka as producer and admin (its consumer only knows groups): the newest versions as its floor (C48).

import { Admin, ListOffsetTimestamps, Producer, stringSerializers } from '@platformatic/kafka'
import { bootstrap, eventually, main, refused, same, topic as named } from './cases.mjs'

const topic = name => named('platformatic', name)
const base = { clientId: 'suite', bootstrapBrokers: [bootstrap], retries: 2, timeout: 10_000 }

async function administer (work) {
  const admin = new Admin(base)
  try {
    return await work(admin)
  } finally {
    await admin.close()
  }
}

async function send (messages, settings = {}) {
  const producer = new Producer({ ...base, serializers: stringSerializers })
  try {
    return await producer.send({ messages, ...settings })
  } finally {
    await producer.close()
  }
}

async function create (name, partitions = 1, configs = []) {
  await administer(admin => admin.createTopics({ topics: [name], partitions, replicas: 1, configs }))
  return name
}

async function offset (name, timestamp) {
  const listed = await administer(admin => admin.listOffsets({
    topics: [{ name, partitions: [{ partitionIndex: 0, timestamp }] }]
  }))
  return Number(listed[0].partitions[0].offset)
}

const end = name => offset(name, ListOffsetTimestamps.LATEST)

await main([
  ['platformatic/every-codec', async () => {
    const name = await create(topic('codecs'))
    for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
      const messages = Array.from({ length: 20 }, (_, i) => ({ topic: name, value: `${compression} ${i} ${'x'.repeat(1000)}` }))
      await send(messages, { compression })
    }
    same(await end(name), 100, 'end offset')
  }],
  ['platformatic/acks-and-idempotence', async () => {
    const name = await create(topic('acks'))
    await send([{ topic: name, value: '1' }], { acks: 1 })
    await send([{ topic: name, value: 'all' }], { acks: -1 })
    await send([{ topic: name, value: '0' }], { acks: 0 })
    await send([{ topic: name, value: 'idempotent' }], { idempotent: true, acks: -1 })
    await eventually('four records', async () => await end(name) === 4)
  }],
  ['platformatic/headers-keys-and-values', async () => {
    const name = await create(topic('headers'))
    const { offsets } = await send([
      { topic: name, key: '', value: '' }, { topic: name, key: 'k', value: 'v', headers: { one: '1', empty: '' } }
    ])
    same(offsets.length, 1, 'partitions answered')
    same(await end(name), 2, 'end offset')
  }],
  ['platformatic/admin', async () => {
    const name = await create(topic('admin'), 1, [{ name: 'retention.ms', value: '4242' }])
    await refused(/already exists|TOPIC_ALREADY_EXISTS/i, () => create(name))
    await administer(async admin => {
      const [described] = await admin.describeConfigs({ resources: [{ resourceType: 2, resourceName: name }], includeSynonyms: true })
      same(described.configs.find(c => c.name === 'retention.ms').value, '4242', 'retention.ms')
      await admin.createPartitions({ topics: [{ name, count: 3, assignments: [{ brokerIds: [1] }, { brokerIds: [1] }] }] })
      same((await admin.listTopics()).includes(name), true, 'listed')
    })
    await send(Array.from({ length: 10 }, () => ({ topic: name, value: 'x', partition: 0 })))
    await administer(admin => admin.deleteRecords({ topics: [{ name, partitions: [{ partition: 0, offset: 6n }] }] }))
    same(await offset(name, ListOffsetTimestamps.EARLIEST), 6, 'start offset')
    await administer(async admin => {
      await admin.deleteTopics({ topics: [name] })
      await eventually('deletion', async () => !(await admin.listTopics()).includes(name))
    })
  }],
  ['platformatic/offset-for-a-timestamp', async () => {
    const name = await create(topic('times'))
    const start = Date.now() - 100_000
    await send(Array.from({ length: 50 }, (_, i) => ({ topic: name, value: 'x', timestamp: BigInt(start + i * 1000) })))
    same(await offset(name, BigInt(start + 9_500)), 10, 'offset')
  }],
  ['platformatic/errors', async () => {
    const name = await create(topic('small'), 1, [{ name: 'max.message.bytes', value: '20000' }])
    await refused(/MESSAGE_TOO_LARGE|larger than the max/, () => send([{ topic: name, value: 'x'.repeat(60_000) }]))
    await refused(/UNKNOWN_TOPIC_OR_PARTITION|does not host/, () =>
      administer(admin => admin.deleteTopics({ topics: [topic('nowhere')] })))
    await refused(/INVALID_TOPIC|invalid topic|not valid/i, () => create('no/slash'))
  }]
])
