// kafkajs 2.2.4 in classic groups: members that share and hand over, commits, and its group administration.

import kafkajs from 'kafkajs'
import { bootstrap, eventually, main, refused, same, topic as named } from './cases.mjs'

const { Kafka, PartitionAssigners, Partitioners, logLevel } = kafkajs
const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING, retry: { retries: 5, initialRetryTime: 100 } })
const topic = name => named('kafkajs-groups', name)

async function administer (work) {
  const admin = kafka.admin()
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.disconnect()
  }
}

/** Returns when every partition is led. */
async function create (name, numPartitions = 4) {
  await administer(async admin => {
    await admin.createTopics({ topics: [{ topic: name, numPartitions }] })
    await eventually('leaders', () => admin.fetchTopicOffsets(name).then(() => true, () => false))
  })
  return name
}

async function produce (name, count, partitions = 4) {
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  try {
    const messages = Array.from({ length: count }, (_, i) => ({ value: String(i), partition: i % partitions }))
    await producer.send({ topic: name, messages })
  } finally {
    await producer.disconnect()
  }
}

/** A member that notes what it owns and got, and commits each record as it comes unless it is told not to. */
class Member {
  got = []
  owned = []
  rebalances = 0

  async start (group, name, settings = {}) {
    this.consumer = kafka.consumer({
      groupId: group, sessionTimeout: 6000, heartbeatInterval: 300, rebalanceTimeout: 6000, maxWaitTimeInMs: 100,
      retry: { retries: 5, initialRetryTime: 100 }, ...settings
    })
    this.consumer.on(this.consumer.events.GROUP_JOIN, ({ payload }) => {
      this.owned = payload.memberAssignment[name] ?? []
      this.rebalances++
    })
    await this.consumer.connect()
    await this.consumer.subscribe({ topic: name, fromBeginning: true })
    await this.consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => {
        this.got.push(`${partition}/${message.offset}`)
        if (!settings.silent) {
          await this.consumer.commitOffsets([{ topic: name, partition, offset: String(Number(message.offset) + 1) }])
        }
      }
    })
    return this
  }

  async stop () {
    await this.consumer.disconnect()
    this.owned = []
  }
}

const even = (members, count = 4) => {
  const sizes = members.map(member => member.owned.length)
  const all = members.flatMap(member => member.owned).sort()
  return JSON.stringify(all) === JSON.stringify(Array.from({ length: count }, (_, i) => i)) &&
    Math.max(...sizes) - Math.min(...sizes) <= 1
}

function once (members, count) {
  const all = members.flatMap(member => member.got)
  same(new Set(all).size, count, 'records')
  same(all.length, count, 'records in all')
}

await main([
  ['kafkajs-groups/members-share-and-hand-over', async () => {
    const name = await create(topic('shared'))
    const settings = { partitionAssigners: [PartitionAssigners.roundRobin] }
    const one = await new Member().start(name, name, settings)
    await eventually('all partitions', () => even([one]))
    await produce(name, 100)
    await eventually('the first records', () => one.got.length >= 100)
    const two = await new Member().start(name, name, settings)
    await eventually('an even share', () => even([one, two]))
    await produce(name, 200)
    await eventually('records of both', () => one.got.length + two.got.length >= 300)
    same(two.got.length > 0, true, 'the second one got some')
    await one.stop()
    await eventually('the partitions of the one that left', () => even([two]))
    await produce(name, 40)
    await eventually('records after it', () => one.got.length + two.got.length >= 340)
    once([one, two], 340)
    await two.stop()
  }],
  ['kafkajs-groups/commits-with-notes-survive', async () => {
    const name = await create(topic('commits'), 1)
    await produce(name, 20, 1)
    const one = await new Member().start(name, name, { silent: true })
    await eventually('records', () => one.got.length === 20)
    await one.consumer.commitOffsets([{ topic: name, partition: 0, offset: '7', metadata: 'a note Ω' }])
    await one.stop()
    const [shown] = await administer(admin => admin.fetchOffsets({ groupId: name, topics: [name] }))
    same(shown.partitions, [{ partition: 0, offset: '7', metadata: 'a note Ω' }], 'offset and note')
    const two = await new Member().start(name, name, { silent: true })
    await eventually('the rest', () => two.got.length === 13)
    same(two.got[0], '0/7', 'first record')
    two.consumer.seek({ topic: name, partition: 0, offset: '19' })
    await eventually('the record sought', () => two.got.length === 14)
    same(two.got.at(-1), '0/19', 'record')
    await two.stop()
  }],
  ['kafkajs-groups/administration', async () => {
    const name = await create(topic('admin'))
    await produce(name, 40)
    const one = await new Member().start(name, name)
    await eventually('records', () => one.got.length === 40)
    await administer(async admin => {
      const { groups: [shown] } = await admin.describeGroups([name])
      same([shown.errorCode, shown.state, shown.protocolType, shown.members.length], [0, 'Stable', 'consumer', 1], 'description')
      const { groups } = await admin.listGroups()
      same(groups.find(group => group.groupId === name), { groupId: name, protocolType: 'consumer' }, 'listed')
      await refused(/NON_EMPTY_GROUP|not empty|DeleteGroups/i, () => admin.deleteGroups([name]))
    })
    await eventually('commits', () => administer(async admin =>
      (await admin.fetchOffsets({ groupId: name, topics: [name] }))[0].partitions.every(row => row.offset === '10')))
    await one.stop()
    await administer(async admin => {
      await admin.setOffsets({ groupId: name, topic: name, partitions: [{ partition: 2, offset: '4' }] })
      const [{ partitions }] = await admin.fetchOffsets({ groupId: name, topics: [name] })
      same(partitions.find(row => row.partition === 2).offset, '4', 'changed offset')
      await admin.resetOffsets({ groupId: name, topic: name, earliest: true })
      await admin.deleteGroups([name])
      same((await admin.describeGroups([name])).groups[0].state, 'Dead', 'state of the deleted group')
    })
  }]
])
