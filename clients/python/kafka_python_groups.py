"""kafka-python in classic groups: its consumer and its group administration.

Each member lives in a thread of its own, because its `poll` may wait for a rebalance that needs the other members.
"""

import re

from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from kafka.errors import OffsetMetadataTooLargeError
from kafka.structs import OffsetAndMetadata

from cases import BOOTSTRAP, case, eventually, holds, main, same, topic
from members import Members
from polled import KafkaPython


def administer(work):
    client = KafkaAdminClient(bootstrap_servers=BOOTSTRAP, request_timeout_ms=10000)
    try:
        return work(client)
    finally:
        client.close()


def create(name, partitions=4):
    administer(lambda client: client.create_topics([NewTopic(name, partitions, 1)], timeout_ms=10000))
    return name


def produce(name, count, partitions=4):
    client = KafkaProducer(bootstrap_servers=BOOTSTRAP, linger_ms=5)
    try:
        for future in [client.send(name, str(i).encode(), partition=i % partitions) for i in range(count)]:
            future.get(timeout=20)
    finally:
        client.close(timeout=5)


def shares(label, **settings):
    name = create(topic(label))
    with Members(name) as members:
        first = members.start(lambda: KafkaPython(name, [name], **settings))
        members.balanced(4)
        produce(name, 100)
        members.consumed(100)
        members.start(lambda: KafkaPython(name, [name], **settings))
        members.balanced(4)
        produce(name, 200)
        members.consumed(300)
        members.stop(first)
        members.balanced(4)
        produce(name, 100)
        members.consumed(400)


@case("kafka-python-groups/range-shares-and-hands-over", 60)
def ranged():
    shares("range", partition_assignment_strategy=[RangePartitionAssignor])


@case("kafka-python-groups/sticky-shares-and-hands-over", 60)
def sticky():
    shares("sticky", partition_assignment_strategy=[StickyPartitionAssignor])


@case("kafka-python-groups/commits-with-notes-survive", 60)
def commits():
    name = create(topic("commits"))
    parts = [TopicPartition(name, i) for i in range(4)]
    produce(name, 40)
    client = KafkaPython(name, [name]).client
    eventually(lambda: client.poll(timeout_ms=100) and False or len(client.assignment()) == 4, 20, "partitions")
    client.commit({parts[0]: OffsetAndMetadata(3, "a note Ω", -1), parts[1]: OffsetAndMetadata(4, "", -1)})
    same(client.committed(parts[0], metadata=True)[:2], (3, "a note Ω"), "offset and note")
    same([client.committed(part) for part in parts], [3, 4, None, None], "offsets")
    try:
        client.commit({parts[0]: OffsetAndMetadata(3, "x" * 4097, -1)})
        raise AssertionError("too long a note was accepted")
    except OffsetMetadataTooLargeError:
        pass
    client.close(autocommit=False)
    again = KafkaPython(name, [name]).client
    rows = []
    eventually(lambda: rows.extend(r for rs in again.poll(timeout_ms=100).values() for r in rs) or len(rows) == 33, 20, "records")
    same(min(r.offset for r in rows if r.partition == 0), 3, "first offset of partition 0")
    again.seek(parts[0], 9)
    eventually(lambda: [r.offset for rs in again.poll(timeout_ms=100).values() for r in rs] == [9], 10, "the record sought")
    again.close(autocommit=False)


@case("kafka-python-groups/static-member-restarts-unnoticed", 60)
def static():
    name = create(topic("static"))
    with Members(name) as members:
        one = lambda: KafkaPython(name, [name], group_instance_id="one")
        first = members.start(one)
        second = members.start(lambda: KafkaPython(name, [name], group_instance_id="two"))
        members.balanced(4)
        before, other = first.owned, second.owned
        generation = second.client.client.group_metadata().generation_id
        members.stop(first)
        first = members.start(one)
        eventually(lambda: first.owned == before, 20, "the old partitions")
        produce(name, 40)
        members.consumed(40)
        same((second.owned, second.client.client.group_metadata().generation_id), (other, generation), "the other member")


@case("kafka-python-groups/topics-by-pattern", 60)
def patterns():
    base = topic("pattern")
    create(f"{base}-a", 2)
    create(f"other-{base}", 2)
    client = KafkaPython(base).client
    client.subscribe(pattern=f"^{re.escape(base)}-.*")
    owned = lambda: sorted((part.topic, part.partition) for part in client.assignment())
    eventually(lambda: client.poll(timeout_ms=100) and False or owned() == [(f"{base}-a", 0), (f"{base}-a", 1)], 20, "the topic")
    client.close(autocommit=False)


@case("kafka-python-groups/administration", 60)
def administration():
    name, group = create(topic("admin")), topic("admin")
    produce(name, 40)
    with Members(name) as members:
        members.start(lambda: KafkaPython(group, [name]))
        members.balanced(4)
        members.consumed(40)
        found = administer(lambda client: client.describe_groups([group]))[group]
        same((found["group_state"], found["protocol_type"], len(found["members"])), ("Stable", "consumer", 1), "description")
        rows = administer(lambda client: client.list_groups(states_filter=["Stable"]))
        holds(group in str(rows), f"not listed: {rows}")
        result = administer(lambda client: client.delete_groups([group]))
        holds("NonEmpty" in str(result), f"deletion in use: {result}")
    part = TopicPartition(name, 2)
    show = lambda: administer(lambda client: client.list_group_offsets({group: [part]}))[group][part].offset
    same(show(), 10, "committed offset")
    administer(lambda client: client.alter_group_offsets(group, {part: OffsetAndMetadata(4, "moved", -1)}))
    same(show(), 4, "changed offset")
    administer(lambda client: client.delete_group_offsets(group, [part]))
    same(show(), -1, "deleted offset")
    result = administer(lambda client: client.delete_groups([group]))
    holds("NonEmpty" not in str(result), f"deletion: {result}")
    holds(group not in str(administer(lambda client: client.list_groups())), "still listed")


main()
