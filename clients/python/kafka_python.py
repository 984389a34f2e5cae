"""kafka-python: producer, assigning consumer, admin; it guesses the broker's version from the API table (C44)."""

import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
from kafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
)

from cases import BOOTSTRAP, case, eventually, holds, main, payload, same, topic

MIB = 1024 * 1024


def admin():
    return KafkaAdminClient(bootstrap_servers=BOOTSTRAP, request_timeout_ms=10000)


def create(name, partitions=1, **configs):
    wanted = {key.replace("_", "."): str(value) for key, value in configs.items()}
    client = admin()
    client.create_topics([NewTopic(name, partitions, 1, topic_configs=wanted)], timeout_ms=10000)
    client.close()
    return name


def produce(name, records, **settings):
    client = KafkaProducer(bootstrap_servers=BOOTSTRAP, linger_ms=5, **settings)
    try:
        pending = [client.send(name, value, key, headers=headers or [], partition=0, timestamp_ms=stamp)
                   for key, value, headers, stamp in records]
        return [future.get(timeout=20) for future in pending]
    finally:
        client.close(timeout=5)


def values(*items):
    return [(None, item, None, None) for item in items]


def consume(name, count, start=None, **settings):
    client = KafkaConsumer(bootstrap_servers=BOOTSTRAP, enable_auto_commit=False, group_id=None,
                           consumer_timeout_ms=15000, fetch_max_bytes=64 * MIB,
                           max_partition_fetch_bytes=16 * MIB, **settings)
    part = TopicPartition(name, 0)
    client.assign([part])
    if start is None:
        client.seek_to_beginning(part)
    else:
        client.seek(part, start)
    got = []
    if count:
        for record in client:
            got.append(record)
            if len(got) == count:
                break
    same(client.end_offsets([part])[part], client.position(part), "position at the end")
    client.close(autocommit=False)
    return got


def refused(kind, call):
    try:
        call()
    except kind:
        return
    raise AssertionError("it was accepted")


@case("kafka-python/recognises-the-broker")
def recognises():
    client = KafkaConsumer(bootstrap_servers=BOOTSTRAP)
    holds(tuple(client.config["api_version"]) >= (2, 6), f"took it for {client.config['api_version']}")
    client.close()


@case("kafka-python/every-codec", 60)
def codecs():
    name = create(topic("codecs"))
    sent = []
    for codec in (None, "gzip", "snappy", "lz4", "zstd"):
        items = [payload(1500, i) for i in range(30)]
        produce(name, values(*items), compression_type=codec, acks="all")
        sent += items
    same([r.value for r in consume(name, len(sent))], sent, "values")


@case("kafka-python/acks-and-idempotence")
def acknowledgements():
    name = create(topic("acks"))
    produce(name, values(b"1"), acks=1, enable_idempotence=False)
    produce(name, values(b"all"), acks="all", enable_idempotence=True)
    client = KafkaProducer(bootstrap_servers=BOOTSTRAP, acks=0, enable_idempotence=False)
    client.send(name, b"0", partition=0)
    client.flush(10)
    client.close()
    same([r.value for r in consume(name, 3)], [b"1", b"all", b"0"], "values")


@case("kafka-python/headers-keys-and-values")
def headers():
    name = create(topic("headers"))
    twice = [("same", b"1"), ("same", b"2"), ("empty", b"")]
    sent = [(b"", b"", None, None), (b"k", None, None, None), (b"k", b"v", twice, None)]
    produce(name, sent)
    got = consume(name, 3)
    same([(r.key, r.value) for r in got], [(r[0], r[1]) for r in sent], "records")
    same([tuple(h) for h in got[-1].headers], twice, "headers")


@case("kafka-python/records-of-1-byte-to-10-mib", 60)
def sizes():
    name = create(topic("sizes"), max_message_bytes=12 * MIB)
    items = [payload(n) for n in (1, 1000, 65536, MIB, 10 * MIB)]
    produce(name, values(*items), max_request_size=12 * MIB)
    same([len(r.value) for r in consume(name, len(items))], [len(i) for i in items], "sizes")


@case("kafka-python/from-offset-and-timestamp")
def positions():
    name = create(topic("positions"))
    start = int(time.time() * 1000) - 500_000
    produce(name, [(None, str(i).encode(), None, start + i * 1000) for i in range(200)], compression_type="gzip")
    same([r.offset for r in consume(name, 77, start=123)], list(range(123, 200)), "offsets")
    client = KafkaConsumer(bootstrap_servers=BOOTSTRAP)
    part = TopicPartition(name, 0)
    found = client.offsets_for_times({part: start + 99_001})[part]
    same((found.offset, found.timestamp), (100, start + 100_000), "offset for a time")
    same(client.offsets_for_times({part: start + 999_000})[part], None, "offset past the end")
    same(client.beginning_offsets([part])[part], 0, "beginning")
    client.close()


@case("kafka-python/empty-partition-has-an-end")
def empty():
    same(consume(create(topic("empty")), 0), [], "records")


@case("kafka-python/admin", 60)
def administration():
    name = create(topic("admin"), partitions=2, retention_ms=4242)
    refused(TopicAlreadyExistsError, lambda: create(name))
    refused(InvalidTopicError, lambda: create("no/slash"))
    client = admin()
    client.create_partitions({name: NewPartitions(total_count=3)})
    eventually(lambda: len(client.describe_topics([name])[0]["partitions"]) == 3, what="third partition")
    holds("4242" in str(client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])), "retention.ms not shown")
    client.delete_topics([name])
    eventually(lambda: name not in client.list_topics(), what="deletion")
    refused(UnknownTopicOrPartitionError, lambda: client.delete_topics([name]))
    client.close()


@case("kafka-python/delete-records")
def delete_records():
    name = create(topic("trimmed"))
    produce(name, values(*[b"x"] * 10))
    client = admin()
    client.delete_records({TopicPartition(name, 0): 6})
    same(consume(name, 4)[0].offset, 6, "first offset")
    client.close()


@case("kafka-python/too-large-a-record")
def too_large():
    name = create(topic("small"), max_message_bytes=20000)
    refused(MessageSizeTooLargeError, lambda: produce(name, values(payload(60000)), max_request_size=MIB))


@case("kafka-python/missing-topic")
def missing():
    client = KafkaConsumer(bootstrap_servers=BOOTSTRAP, allow_auto_create_topics=False)
    holds(not client.partitions_for_topic(topic("missing")), "it has partitions")
    client.close()


main()
