"""confluent-kafka (librdkafka): producer, assigning consumer, admin."""

import json
import threading
import time

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, Producer
from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from cases import AT_ONCE, BOOTSTRAP, case, eventually, holds, main, payload, same, topic

MIB = 1024 * 1024
ADMIN = AdminClient({"bootstrap.servers": BOOTSTRAP})


def dotted(settings):
    """Keyword arguments as librdkafka's names; call-backs keep their underscores."""
    return {key if key.endswith("_cb") else key.replace("_", "."): value for key, value in settings.items()}


def create(name, partitions=1, **configs):
    wanted = {key.replace("_", "."): str(value) for key, value in configs.items()}
    new = NewTopic(name, num_partitions=partitions, replication_factor=1, config=wanted)
    ADMIN.create_topics([new], request_timeout=10)[name].result(15)
    return name


def producer(**settings):
    base = {"bootstrap.servers": BOOTSTRAP, "linger.ms": 5, "message.timeout.ms": 20000}
    base.update(dotted(settings))
    return Producer(base)


def produce(name, records, partition=0, **settings):
    """Sends (key, value[, headers]) and returns the messages as acknowledged, in order."""
    done = []
    client = producer(**settings)
    for record in records:
        key, value, headers = (*record, None)[:3]

        def kept(error, message):
            if error is not None:
                raise KafkaException(error)
            done.append(message)

        client.produce(name, value, key, partition=partition, headers=headers, on_delivery=kept)
    left = client.flush(20)
    same(left, 0, "records not acknowledged")
    return done


def consumer(**settings):
    base = {
        "bootstrap.servers": BOOTSTRAP,
        "group.id": "unused",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "topic.metadata.propagation.max.ms": 0,
        "fetch.message.max.bytes": 16 * MIB,
        "receive.message.max.bytes": 64 * MIB,
    }
    base.update(dotted(settings))
    return Consumer(base)


def consume(name, offset=OFFSET_BEGINNING, partition=0, **settings):
    """Everything from the offset to the end of the partition."""
    client = consumer(**settings)
    client.assign([TopicPartition(name, partition, offset)])
    got = []
    try:
        while True:
            message = client.poll(10)
            holds(message is not None, f"no message and no end after {len(got)} records")
            if message.error():
                if message.error().code() == KafkaError._PARTITION_EOF:
                    return got
                raise KafkaException(message.error())
            got.append(message)
    finally:
        client.close()


def code_of(call):
    try:
        call()
    except KafkaException as problem:
        return problem.args[0].code()
    raise AssertionError("it was accepted")


@case("confluent/create-and-delete-topics")
def create_and_delete():
    name = create(topic("life"), partitions=3)
    if not AT_ONCE:
        eventually(lambda: name in ADMIN.list_topics(timeout=10).topics, what="the topic")
    seen = ADMIN.list_topics(timeout=10).topics[name]
    same(sorted(seen.partitions), [0, 1, 2], "partitions")
    ADMIN.delete_topics([name], request_timeout=10)[name].result(15)
    eventually(lambda: name not in ADMIN.list_topics(timeout=10).topics, what="deletion")


@case("confluent/every-codec", 60)
def codecs():
    name = create(topic("codecs"))
    sent = []
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
        records = [(f"{codec}-{i}".encode(), payload(2000, i)) for i in range(50)]
        produce(name, records, compression_type=codec, acks="all")
        sent += records
    same([(m.key(), m.value()) for m in consume(name)], sent, "records")


@case("confluent/compression-is-used")
def compressed():
    name = create(topic("compressed"))
    seen = []
    client = producer(compression_type="snappy", statistics_interval_ms=200, linger_ms=50,
                      stats_cb=lambda text: seen.append(json.loads(text)))
    for _ in range(200):
        client.produce(name, b"a" * 5000, partition=0)
    same(client.flush(20), 0, "records not acknowledged")
    eventually(lambda: client.poll(0.3) is not None and seen and seen[-1]["txmsgs"] >= 200, what="statistics")
    holds(seen[-1]["tx_bytes"] * 4 < seen[-1]["txmsg_bytes"], f"sent uncompressed: {seen[-1]['tx_bytes']} bytes")


@case("confluent/acks")
def acknowledgements():
    name = create(topic("acks"))
    for acks in ["1", "all"]:
        messages = produce(name, [(None, acks.encode())] * 10, acks=acks)
        same(messages[-1].offset() - messages[0].offset(), 9, "offsets")
    produce(name, [(None, b"0")] * 10, acks="0")
    eventually(lambda: len(consume(name)) == 30, what="records sent without acknowledgement")


@case("confluent/idempotent-producer")
def idempotent():
    name = create(topic("idempotent"))
    records = [(None, str(i).encode()) for i in range(5000)]
    messages = produce(name, records, enable_idempotence=True, batch_num_messages=100, linger_ms=0)
    same([m.offset() for m in messages], list(range(5000)), "offsets")
    same([m.value() for m in consume(name)], [value for _, value in records], "records")


@case("confluent/headers-keys-and-values")
def headers():
    name = create(topic("headers"))
    twice = [("same", b"1"), ("same", b"2"), ("none", None), ("empty", b""), ("", b"nameless")]
    records = [(None, None), (b"", b""), (b"key", None), (None, b"value"), (b"k", b"v", twice)]
    produce(name, records)
    got = consume(name)
    same([(m.key(), m.value()) for m in got], [(r[0], r[1]) for r in records], "records")
    same(got[-1].headers(), twice, "headers")


@case("confluent/records-of-1-byte-to-10-mib", 60)
def sizes():
    name = create(topic("sizes"), max_message_bytes=12 * MIB)
    values = [payload(n) for n in (1, 100, 16383, 16384, 65536, MIB, 10 * MIB)]
    produce(name, [(None, value) for value in values], message_max_bytes=12 * MIB)
    same([len(m.value()) for m in consume(name)], [len(v) for v in values], "sizes")
    same([m.value() for m in consume(name)] == values, True, "bytes equal")


@case("confluent/from-an-offset-inside-a-batch")
def inside():
    name = create(topic("inside"))
    produce(name, [(None, str(i).encode()) for i in range(1000)], linger_ms=200, compression_type="lz4")
    for start in (1, 499, 998, 999):
        got = consume(name, start)
        same([m.offset() for m in got], list(range(start, 1000)), "offsets")
        same(got[0].value(), str(start).encode(), "first value")


@case("confluent/from-a-timestamp")
def timestamps():
    name = create(topic("times"))
    start = int(time.time() * 1000) - 1_000_000
    client = producer(linger_ms=100)
    for i in range(300):
        client.produce(name, str(i).encode(), partition=0, timestamp=start + i * 1000)
        if i % 100 == 99:
            same(client.flush(20), 0, "records not acknowledged")
    reader = consumer()
    asked = [(start - 5, 0), (start, 0), (start + 1, 1), (start + 150_500, 151), (start + 299_000, 299)]
    for stamp, wanted in asked:
        (found,) = reader.offsets_for_times([TopicPartition(name, 0, stamp)], timeout=10)
        same(found.offset, wanted, f"offset for {stamp - start} ms")
    (past,) = reader.offsets_for_times([TopicPartition(name, 0, start + 10_000_000)], timeout=10)
    same(past.offset, OFFSET_END, "offset past the end")
    reader.close()


@case("confluent/list-offsets-of-every-kind")
def list_offsets():
    name = create(topic("listed"))
    start = int(time.time() * 1000) - 50_000
    client = producer()
    for delta in (10, 5000, 20):
        client.produce(name, b"x", partition=0, timestamp=start + delta)
    same(client.flush(20), 0, "records not acknowledged")
    part = TopicPartition(name, 0)
    for spec, wanted in [(OffsetSpec.earliest(), 0), (OffsetSpec.latest(), 3), (OffsetSpec.max_timestamp(), 1)]:
        for level in (IsolationLevel.READ_UNCOMMITTED, IsolationLevel.READ_COMMITTED):
            found = ADMIN.list_offsets({part: spec}, isolation_level=level, request_timeout=10)
            same(found[part].result(10).offset, wanted, f"offset for {spec}")


@case("confluent/end-of-an-empty-partition")
def empty():
    name = create(topic("empty"))
    same(len(consume(name)), 0, "records")
    reader = consumer()
    same(reader.get_watermark_offsets(TopicPartition(name, 0), timeout=10), (0, 0), "watermarks")
    reader.close()


@case("confluent/waits-at-the-end-for-new-records")
def tail():
    name = create(topic("tail"))
    reader = consumer(fetch_wait_max_ms=5000)
    reader.assign([TopicPartition(name, 0, OFFSET_BEGINNING)])
    first = reader.poll(10)
    same(first.error().code(), KafkaError._PARTITION_EOF, "end first")
    sender = threading.Thread(target=produce, args=(name, [(None, b"late")]))
    started = time.monotonic()
    sender.start()
    message = reader.poll(10)
    sender.join()
    same(message.value(), b"late", "value")
    holds(time.monotonic() - started < 4, "the waiting fetch was not woken by the record")
    reader.close()


@case("confluent/delete-records")
def delete_records():
    name = create(topic("trimmed"))
    produce(name, [(None, str(i).encode()) for i in range(100)])
    part = TopicPartition(name, 0, 40)
    done = ADMIN.delete_records([part], request_timeout=10)[part].result(15)
    same(done.low_watermark, 40, "low watermark")
    same(consume(name)[0].offset(), 40, "first offset")
    part = TopicPartition(name, 0, 1000)
    problem = code_of(lambda: ADMIN.delete_records([part], request_timeout=10)[part].result(15))
    same(problem, KafkaError.OFFSET_OUT_OF_RANGE, "error past the end")


@case("confluent/offset-out-of-range")
def out_of_range():
    name = create(topic("range"))
    produce(name, [(None, b"x")])
    client = consumer(auto_offset_reset="error")
    client.assign([TopicPartition(name, 0, 50)])
    message = client.poll(10)
    holds(message is not None and message.error(), "no error came")
    same(message.error().code(), KafkaError._AUTO_OFFSET_RESET, "error")
    client.close()


@case("confluent/missing-topic")
def missing():
    name = topic("missing")
    client = consumer(allow_auto_create_topics=False)
    found = client.list_topics(name, timeout=10).topics[name]
    same(found.error.code(), KafkaError.UNKNOWN_TOPIC_OR_PART, "error")
    client.close()
    problem = code_of(lambda: ADMIN.delete_topics([name], request_timeout=10)[name].result(15))
    same(problem, KafkaError.UNKNOWN_TOPIC_OR_PART, "error of delete")


@case("confluent/too-large-a-record")
def too_large():
    name = create(topic("small"), max_message_bytes=50 * 1024)
    call = lambda: produce(name, [(None, payload(10 * MIB))], message_max_bytes=12 * MIB)
    same(code_of(call), KafkaError.MSG_SIZE_TOO_LARGE, "error")
    same(len(produce(name, [(None, b"fits")])), 1, "records after it")


@case("confluent/invalid-topic-name")
def invalid_name():
    for name in ("no/slash", "x" * 250, "..", "ünicode"):
        problem = code_of(lambda name=name: create(name))
        same(problem, KafkaError.TOPIC_EXCEPTION, f"error for {name[:10]}")


@case("confluent/topic-exists")
def exists():
    name = create(topic("twice"))
    same(code_of(lambda: create(name)), KafkaError.TOPIC_ALREADY_EXISTS, "error")


@case("confluent/create-partitions-answers-for-each-topic")
def create_partitions():
    name = create(topic("grows"))
    ADMIN.create_partitions([NewPartitions(name, 4)], request_timeout=10)[name].result(15)
    eventually(lambda: len(ADMIN.list_topics(timeout=10).topics[name].partitions) == 4, what="growth")
    produce(name, [(None, b"new")], partition=3)
    shrink = lambda: ADMIN.create_partitions([NewPartitions(name, 2)], request_timeout=10)[name].result(15)
    same(code_of(shrink), KafkaError.INVALID_PARTITIONS, "error")


def describe(kind, name):
    resource = ConfigResource(kind, name)
    return ADMIN.describe_configs([resource], request_timeout=10)[resource].result(15)


@case("confluent/describe-configs-lists-every-setting")
def describe_configs():
    name = create(topic("described"), retention_ms=12345)
    entries = describe(ResourceType.TOPIC, name)
    holds(len(entries) >= 25, f"only {len(entries)} topic settings")
    same(entries["retention.ms"].value, "12345", "retention.ms")
    same(entries["retention.ms"].is_default, False, "is_default")
    same(entries["cleanup.policy"].value, "delete", "cleanup.policy")
    same(entries["cleanup.policy"].is_default, True, "is_default")
    broker = describe(ResourceType.BROKER, "1")
    holds(len(broker) >= 100, f"only {len(broker)} broker settings")
    same(broker["broker.id" if "broker.id" in broker else "node.id"].is_read_only, True, "read only")
    same(broker["log.retention.hours"].value, "168", "log.retention.hours")
    missing = code_of(lambda: describe(ResourceType.TOPIC, topic("nowhere")))
    same(missing, KafkaError.UNKNOWN_TOPIC_OR_PART, "error for an unknown topic")


@case("confluent/incremental-alter-configs-append-and-subtract")
def incremental():
    name = create(topic("altered"), cleanup_policy="delete")

    def alter(key, value, operation):
        entry = ConfigEntry(key, value, incremental_operation=operation)
        resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=[entry])
        ADMIN.incremental_alter_configs([resource], request_timeout=10)[resource].result(15)

    def shows(key, value):
        eventually(lambda: describe(ResourceType.TOPIC, name)[key].value == value, what=f"{key}={value}")

    alter("cleanup.policy", "compact", AlterConfigOpType.APPEND)
    shows("cleanup.policy", "delete,compact")
    alter("cleanup.policy", "delete", AlterConfigOpType.SUBTRACT)
    shows("cleanup.policy", "compact")
    alter("cleanup.policy", None, AlterConfigOpType.DELETE)
    shows("cleanup.policy", "delete")
    alter("retention.ms", "777777", AlterConfigOpType.SET)
    shows("retention.ms", "777777")
    wrong = lambda: alter("retention.ms", "soon", AlterConfigOpType.SET)
    same(code_of(wrong), KafkaError.INVALID_CONFIG, "error for a bad value")
    unknown = lambda: alter("no.such.setting", "1", AlterConfigOpType.SET)
    same(code_of(unknown), KafkaError.INVALID_CONFIG, "error for an unknown setting")


@case("confluent/keyless-record-on-a-compacted-topic")
def keyless():
    name = create(topic("compacted"), cleanup_policy="compact")
    same(code_of(lambda: produce(name, [(None, b"keyless")])), KafkaError.INVALID_RECORD, "error")
    same(len(produce(name, [(b"key", b"value")])), 1, "keyed records")


@case("confluent/first-produce-creates-the-topic")
def automatic():
    name = topic("automatic")
    same(produce(name, [(None, b"first")])[0].offset(), 0, "offset")
    same([m.value() for m in consume(name)], [b"first"], "values")


@case("confluent/produces-right-after-creation", 60)
def at_once():
    for i in range(10):
        name = create(topic(f"at-once-{i}"))
        same([m.offset() for m in produce(name, [(None, b"x")])], [0], f"offsets of round {i}")


@case("confluent/describe-cluster-with-authorized-operations")
def cluster():
    found = ADMIN.describe_cluster(include_authorized_operations=True, request_timeout=10).result(15)
    same(len(found.nodes), 1, "nodes")
    holds(found.cluster_id, "no cluster id")
    holds(found.controller is not None, "no controller")


main()
