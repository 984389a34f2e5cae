"""Members of three clients in one classic group: librdkafka, kafka-python and aiokafka agree on `range` and on `roundrobin`."""

from aiokafka.coordinator.assignors.range import RangePartitionAssignor as AioRange
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor as AioRoundRobin
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

from cases import BOOTSTRAP, case, holds, main, topic
from members import Members
from polled import AioKafka, Confluent, KafkaPython

PARTITIONS = 6


def produce(name, count):
    client = Producer({"bootstrap.servers": BOOTSTRAP, "linger.ms": 5})
    for i in range(count):
        client.produce(name, str(i).encode(), partition=i % PARTITIONS)
    holds(client.flush(20) == 0, "records are not acknowledged")


def together(label, librdkafka, python, aio):
    """They join one after the other, each leads once, and each leaves while the others go on."""
    name = topic(label)
    new = NewTopic(name, num_partitions=PARTITIONS, replication_factor=1)
    admin = AdminClient({"bootstrap.servers": BOOTSTRAP})
    admin.create_topics([new])[name].result(15)
    makers = [
        lambda: Confluent(name, [name], partition_assignment_strategy=librdkafka),
        lambda: KafkaPython(name, [name], partition_assignment_strategy=[python]),
        lambda: AioKafka(name, [name], partition_assignment_strategy=[aio]),
    ]
    count = 0
    with Members(name) as members:
        running = []
        for make in makers:
            running.append(members.start(make))
            members.balanced(PARTITIONS)
            produce(name, 120)
            count += 120
            members.consumed(count)
        holds(all(member.got for member in running), "a member got nothing")
        for member, make in zip(list(running), makers):
            members.stop(member)
            members.balanced(PARTITIONS)
            produce(name, 60)
            count += 60
            members.consumed(count)
            members.start(make)
            members.balanced(PARTITIONS)
        produce(name, 60)
        members.consumed(count + 60)


@case("mixed/three-clients-share-by-range", 60)
def ranged():
    together("range", "range", RangePartitionAssignor, AioRange)


@case("mixed/three-clients-share-by-round-robin", 60)
def round_robin():
    together("round-robin", "roundrobin", RoundRobinPartitionAssignor, AioRoundRobin)


main()
