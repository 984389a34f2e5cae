"""aiokafka in classic groups: its consumer, and the group administration that it has.

Each member has a thread and a loop of its own.
"""

import asyncio
import re

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from cases import BOOTSTRAP, case, eventually, holds, main, same, topic
from members import Members
from polled import AioKafka


async def administered(work):
    client = AIOKafkaAdminClient(bootstrap_servers=BOOTSTRAP)
    await client.start()
    try:
        return await work(client)
    finally:
        await client.close()


def administer(work):
    return asyncio.run(administered(work))


def create(name, partitions=4):
    administer(lambda client: client.create_topics([NewTopic(name, partitions, 1)], timeout_ms=10000))
    return name


def produce(name, count, partitions=4):
    async def go():
        client = AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, linger_ms=5)
        await client.start()
        try:
            for future in [await client.send(name, str(i).encode(), partition=i % partitions) for i in range(count)]:
                await future
        finally:
            await client.stop()

    asyncio.run(go())


def shares(label, assignor):
    name = create(topic(label))
    member = lambda: AioKafka(name, [name], partition_assignment_strategy=[assignor])
    with Members(name) as members:
        first = members.start(member)
        members.balanced(4)
        produce(name, 100)
        members.consumed(100)
        members.start(member)
        members.balanced(4)
        produce(name, 200)
        members.consumed(300)
        members.stop(first)
        members.balanced(4)
        produce(name, 100)
        members.consumed(400)


@case("aiokafka-groups/range-shares-and-hands-over", 60)
def ranged():
    shares("range", RangePartitionAssignor)


@case("aiokafka-groups/round-robin-shares-and-hands-over", 60)
def round_robin():
    shares("round-robin", RoundRobinPartitionAssignor)


@case("aiokafka-groups/sticky-shares-and-hands-over", 60)
def sticky():
    shares("sticky", StickyPartitionAssignor)


@case("aiokafka-groups/commits-with-notes-survive", 60)
def commits():
    name = create(topic("commits"))
    parts = [TopicPartition(name, i) for i in range(4)]
    produce(name, 40)
    first = AioKafka(name, [name])
    eventually(lambda: first.run(first.client.getmany(timeout_ms=100)) and False or len(first.owned()) == 4, 20, "partitions")
    first.run(first.client.commit({parts[0]: OffsetAndMetadata(3, "a note Ω"), parts[1]: OffsetAndMetadata(4, "")}))
    same([first.run(first.client.committed(part)) for part in parts], [3, 4, None, None], "offsets")
    try:
        first.run(first.client.commit({parts[0]: OffsetAndMetadata(3, "x" * 4097)}))
        raise AssertionError("too long a note was accepted")
    except KafkaError as problem:
        holds("OffsetMetadataTooLarge" in f"{type(problem).__name__} {problem!r}", f"refused with {problem!r}")
    first.close()
    shown = administer(lambda client: client.list_consumer_group_offsets(name))
    same((shown[parts[0]].offset, shown[parts[0]].metadata), (3, "a note Ω"), "offset and note")
    again = AioKafka(name, [name])
    rows = []
    eventually(lambda: rows.extend(again.poll()) or len(rows) == 33, 20, "records")
    same(sorted(rows)[0], (name, 0, 3), "first record of partition 0")
    again.client.seek(parts[0], 9)
    eventually(lambda: again.poll() == [(name, 0, 9)], 10, "the record sought")
    again.close()


@case("aiokafka-groups/static-member-restarts-unnoticed", 60)
def static():
    name = create(topic("static"))
    with Members(name) as members:
        one = lambda: AioKafka(name, [name], group_instance_id="one")
        first = members.start(one)
        second = members.start(lambda: AioKafka(name, [name], group_instance_id="two"))
        members.balanced(4)
        before, other, revoked = first.owned, second.owned, second.client.listener.revoked
        members.stop(first)
        first = members.start(one)
        eventually(lambda: first.owned == before, 20, "the old partitions")
        produce(name, 40)
        members.consumed(40)
        same((second.owned, second.client.listener.revoked), (other, revoked), "the other member")


@case("aiokafka-groups/topics-by-pattern", 60)
def patterns():
    base = topic("pattern")
    create(f"{base}-a", 2)
    create(f"other-{base}", 2)
    member = AioKafka(base, pattern=f"^{re.escape(base)}-.*")
    eventually(lambda: member.poll() or member.owned() == [(f"{base}-a", 0), (f"{base}-a", 1)], 20, "the matching topic")
    member.close()


@case("aiokafka-groups/administration", 60)
def administration():
    name = create(topic("admin"))
    with Members(name) as members:
        members.start(lambda: AioKafka(name, [name]))
        members.balanced(4)
        answers = administer(lambda client: client.describe_consumer_groups([name]))
        (row,) = [group for answer in answers for group in answer.groups]
        same(row[:5], (0, name, "Stable", "consumer", "roundrobin"), "description")
        same(len(row[5]), 1, "members")
        listed = administer(lambda client: client.list_consumer_groups())
        holds((name, "consumer") in [tuple(group[:2]) for group in listed], "not listed")
        same(administer(lambda client: client.find_coordinator(name)), 1, "coordinator")


main()
