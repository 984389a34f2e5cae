// @platformatic/kafka in groups of both protocols, and its group administration.

import { Admin, Consumer, MessagesStreamFallbackModes, MessagesStreamModes, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { bootstrap, eventually, main, refused, same, topic as named } from './cases.mjs'

const topic = name => named('platformatic-groups', name)
const base = { clientId: 'suite', bootstrapBrokers: [bootstrap], retries: 5, retryDelay: 100, timeout: 10_000 }
const classic = { sessionTimeout: 6000, heartbeatInterval: 300, rebalanceTimeout: 6000 }
const newer = { groupProtocol: 'consumer' }

async function administer (work) {
  const admin = new Admin(base)
  try {
    return await work(admin)
  } finally {
    await admin.close()
  }
}

/** Returns when every partition is led: a producer that is told otherwise sends what it had sent to the others again. */
async function create (name, partitions = 4) {
  await administer(async admin => {
    await admin.createTopics({ topics: [name], partitions, replicas: 1 })
    const rows = Array.from({ length: partitions }, (_, i) => ({ partitionIndex: i, timestamp: -1n }))
    await eventually('leaders', () => admin.listOffsets({ topics: [{ name, partitions: rows }] }).then(() => true, () => false))
  })
  return name
}

async function produce (name, count, partitions = 4) {
  const producer = new Producer({ ...base, serializers: stringSerializers })
  try {
    const messages = Array.from({ length: count }, (_, i) => ({ topic: name, value: String(i), partition: i % partitions }))
    await producer.send({ messages })
  } finally {
    await producer.close()
  }
}

/** A member that commits each record as it comes. */
class Member {
  got = []

  async start (group, name, settings) {
    this.name = name
    this.consumer = new Consumer({ ...base, groupId: group, deserializers: stringDeserializers, maxWaitTime: 100, ...settings })
    this.stream = await this.consumer.consume({
      topics: [name], mode: MessagesStreamModes.COMMITTED, fallbackMode: MessagesStreamFallbackModes.EARLIEST, autocommit: false
    })
    this.stream.on('data', message => {
      this.got.push(`${message.partition}/${message.offset}`)
      this.committed = message.commit()
    })
    this.stream.on('error', problem => { this.problem = problem })
    return this
  }

  get owned () {
    if (this.problem) {
      throw this.problem
    }
    return this.consumer.assignments?.find(row => row.topic === this.name)?.partitions ?? []
  }

  async stop () {
    await this.committed
    await this.stream.close()
    await this.consumer.close(true)
  }
}

const even = (members, count = 4) => {
  const sizes = members.map(member => member.owned.length)
  const all = members.flatMap(member => member.owned).sort()
  return JSON.stringify(all) === JSON.stringify(Array.from({ length: count }, (_, i) => i)) &&
    Math.max(...sizes) - Math.min(...sizes) <= 1
}

async function shares (label, settings) {
  const name = await create(topic(label))
  const one = await new Member().start(name, name, settings)
  await eventually('all partitions', () => even([one]))
  await produce(name, 100)
  await eventually('the first records', () => one.got.length >= 100)
  await one.committed
  const two = await new Member().start(name, name, settings)
  await eventually('an even share', () => even([one, two]))
  const all = () => new Set([...one.got, ...two.got])
  let sent = 100
  // The first one may still have been reading on where the second one begins.
  await eventually('records for the second one', async () => {
    await produce(name, 40)
    sent += 40
    await eventually('records of both', () => all().size >= sent)
    return two.got.length > 0
  })
  await one.stop()
  await eventually('the partitions of the one that left', () => even([two]))
  await produce(name, 40)
  await eventually('records after it', () => all().size >= sent + 40)
  same(all().size, sent + 40, 'records')
  await two.stop()
  return name
}

async function commits (label, settings) {
  const name = await create(topic(label), 1)
  await produce(name, 20, 1)
  const one = await new Member().start(name, name, settings)
  await eventually('records', () => one.got.length === 20)
  await one.committed
  await one.consumer.commit({ offsets: [{ topic: name, partition: 0, offset: 7n, leaderEpoch: 0 }] })
  same(Number((await one.consumer.listCommittedOffsets({ topics: [{ topic: name, partitions: [0] }] })).get(name)[0]), 7, 'offset')
  await one.stop()
  const two = await new Member().start(name, name, settings)
  await eventually('the rest', () => two.got.length === 13)
  same(two.got[0], '0/7', 'first record')
  await two.stop()
}

await main([
  ['platformatic-groups/members-share-and-hand-over', () => shares('shared', classic)],
  ['platformatic-groups/newer-members-share-and-hand-over', () => shares('newer', newer)],
  ['platformatic-groups/commits-survive', () => commits('commits', classic)],
  ['platformatic-groups/commits-of-newer-members-survive', () => commits('newer-commits', newer)],
  ['platformatic-groups/administration', async () => {
    const name = await create(topic('admin'))
    await produce(name, 40)
    const one = await new Member().start(name, name, classic)
    await eventually('records', () => one.got.length === 40)
    await one.committed
    await administer(async admin => {
      const shown = (await admin.describeGroups({ groups: [name] })).get(name)
      same([shown.state, shown.protocolType, shown.members.size], ['Stable', 'consumer', 1], 'description')
      const listed = (await admin.listGroups({ types: ['classic'] })).get(name)
      same([listed.state, listed.groupType], ['Stable', 'classic'], 'listed')
      await refused(/NON_EMPTY_GROUP|not empty/i, () => admin.deleteGroups({ groups: [name] }))
    })
    await one.stop()
    await administer(async admin => {
      const offsets = async () => (await admin.listConsumerGroupOffsets({ groups: [name] }))[0].topics[0].partitions
        .map(row => [row.partitionIndex, Number(row.committedOffset)]).sort()
      same(await offsets(), [[0, 10], [1, 10], [2, 10], [3, 10]], 'offsets')
      await admin.alterConsumerGroupOffsets({ groupId: name, topics: [{ name, partitionOffsets: [{ partition: 1, offset: 3n }] }] })
      await admin.deleteConsumerGroupOffsets({ groupId: name, topics: [{ name, partitionIndexes: [0] }] })
      same(await offsets(), [[1, 3], [2, 10], [3, 10]], 'offsets after a change and a deletion')
      await admin.deleteGroups({ groups: [name] })
      await refused(/GROUP_ID_NOT_FOUND|does not exist|could not be found/i, () => admin.deleteGroups({ groups: [name] }))
    })
  }]
])
