"""aiokafka: producer, assigning consumer, admin."""

import asyncio
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.errors import (
    InvalidTopicError,
    MessageSizeTooLargeError,
    OffsetOutOfRangeError,
    TopicAlreadyExistsError,
    for_code,
)

from cases import BOOTSTRAP, case, eventually, holds, main, payload, same, topic

MIB = 1024 * 1024


async def with_client(client, work):
    await client.start()
    try:
        return await work(client)
    finally:
        await (client.close() if isinstance(client, AIOKafkaAdminClient) else client.stop())


def administer(work):
    async def go():
        return await with_client(AIOKafkaAdminClient(bootstrap_servers=BOOTSTRAP), work)

    return asyncio.run(go())


def refused_with(answer):
    """aiokafka hands back the codes; a code that is not 0 is raised here."""
    for row in answer.topic_errors if hasattr(answer, "topic_errors") else answer.topic_error_codes:
        if row[1] != 0:
            raise for_code(row[1])(str(row))


def create(name, partitions=1, **configs):
    wanted = {key.replace("_", "."): str(value) for key, value in configs.items()}

    async def work(client):
        refused_with(await client.create_topics([NewTopic(name, partitions, 1, topic_configs=wanted)], timeout_ms=10000))

    administer(work)
    return name


def produce(name, records, **settings):
    async def work(client):
        pending = [await client.send(name, value, key=key, partition=0, headers=headers, timestamp_ms=stamp)
                   for key, value, headers, stamp in records]
        return [await future for future in pending]

    async def go():
        return await with_client(AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, linger_ms=5, **settings), work)

    return asyncio.run(go())


def values(*items):
    return [(None, item, [], None) for item in items]


def consume(name, count, start=0, **settings):
    part = TopicPartition(name, 0)

    async def work(client):
        client.assign([part])
        client.seek(part, start)
        got = [await asyncio.wait_for(client.getone(), 15) for _ in range(count)]
        end = (await client.end_offsets([part]))[part]
        same(await client.position(part), end, "position at the end")
        return got

    async def go():
        client = AIOKafkaConsumer(bootstrap_servers=BOOTSTRAP, enable_auto_commit=False, max_partition_fetch_bytes=16 * MIB,
                                  auto_offset_reset="none", **settings)
        return await with_client(client, work)

    return asyncio.run(go())


def refused(kind, call):
    try:
        call()
    except kind:
        return
    raise AssertionError("it was accepted")


@case("aiokafka/every-codec", 60)
def codecs():
    name = create(topic("codecs"))
    sent = []
    for codec in (None, "gzip", "snappy", "lz4", "zstd"):
        items = [payload(1500, i) for i in range(30)]
        produce(name, values(*items), compression_type=codec, acks="all")
        sent += items
    same([r.value for r in consume(name, len(sent))], sent, "values")


@case("aiokafka/acks-and-idempotence")
def acknowledgements():
    name = create(topic("acks"))
    produce(name, values(b"1"), acks=1)
    same([r.offset for r in produce(name, values(*[b"i"] * 50), enable_idempotence=True)], list(range(1, 51)), "offsets")
    produce(name, values(b"0"), acks=0)
    same(consume(name, 52)[-1].value, b"0", "last value")


@case("aiokafka/headers-keys-and-values")
def headers():
    name = create(topic("headers"))
    twice = [("same", b"1"), ("same", b"2"), ("empty", b"")]
    sent = [(b"", b"", [], None), (b"k", None, [], None), (None, b"v", [], None), (b"k", b"v", twice, None)]
    produce(name, sent)
    got = consume(name, 4)
    same([(r.key, r.value) for r in got], [(r[0], r[1]) for r in sent], "records")
    same(list(got[-1].headers), twice, "headers")


@case("aiokafka/records-of-1-byte-to-10-mib", 60)
def sizes():
    name = create(topic("sizes"), max_message_bytes=12 * MIB)
    items = [payload(n) for n in (1, 1000, 65536, MIB, 10 * MIB)]
    produce(name, values(*items), max_request_size=12 * MIB)
    same([len(r.value) for r in consume(name, len(items))], [len(i) for i in items], "sizes")


@case("aiokafka/from-offset-and-timestamp")
def positions():
    name = create(topic("positions"))
    start = int(time.time() * 1000) - 500_000
    produce(name, [(None, str(i).encode(), [], start + i * 1000) for i in range(200)], compression_type="lz4")
    same([r.offset for r in consume(name, 77, start=123)], list(range(123, 200)), "offsets")
    part = TopicPartition(name, 0)

    async def work(client):
        found = (await client.offsets_for_times({part: start + 99_001}))[part]
        same((found.offset, found.timestamp), (100, start + 100_000), "offset for a time")
        same((await client.beginning_offsets([part]))[part], 0, "beginning")

    async def go():
        await with_client(AIOKafkaConsumer(bootstrap_servers=BOOTSTRAP), work)

    asyncio.run(go())


@case("aiokafka/offset-out-of-range")
def out_of_range():
    name = create(topic("range"))
    refused(OffsetOutOfRangeError, lambda: consume(name, 1, start=7))


@case("aiokafka/admin")
def administration():
    name = create(topic("admin"), partitions=2)
    refused(TopicAlreadyExistsError, lambda: create(name))
    refused(InvalidTopicError, lambda: create("no/slash"))
    produce(name, values(*[b"x"] * 10))

    async def trim(client):
        await client.delete_records({TopicPartition(name, 0): RecordsToDelete(before_offset=6)})

    administer(trim)
    same(consume(name, 4, start=6)[0].offset, 6, "first offset")

    async def delete(client):
        refused_with(await client.delete_topics([name]))

    administer(delete)

    async def listed(client):
        return await client.list_topics()

    eventually(lambda: name not in administer(listed), what="deletion")


@case("aiokafka/too-large-a-record")
def too_large():
    name = create(topic("small"), max_message_bytes=20000)
    refused(MessageSizeTooLargeError, lambda: produce(name, values(payload(60000)), max_request_size=MIB))


main()
