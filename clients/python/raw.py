"""Frames written by hand: what no client library shows, compared with what Apache Kafka 4.4 answers.

Old, inflexible versions are used where they say enough. Only Python's own library is needed.
"""

import struct
import time

from cases import AT_ONCE, case, eventually, holds, main, same, topic
from frames import Connection, array, string

NO_PRODUCER = (-1, -1, -1)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _table():
    for byte in range(256):
        n = byte
        for _ in range(8):
            n = (n >> 1) ^ (0x82F63B78 if n & 1 else 0)
        yield n


CRC_TABLE = list(_table())


def zigzag(number):
    number = (number << 1) ^ (number >> 63)
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def record(delta, key, value):
    def part(data):
        return zigzag(-1) if data is None else zigzag(len(data)) + data

    body = b"\0" + zigzag(0) + zigzag(delta) + part(key) + part(value) + zigzag(0)
    return zigzag(len(body)) + body


def batch(values, producer=NO_PRODUCER, attributes=0, count=None, last_delta=None, key=b"k", stamp=None):
    """A batch of format 2; the odd arguments make it lie."""
    stamp = int(time.time() * 1000) if stamp is None else stamp
    count = len(values) if count is None else count
    last = count - 1 if last_delta is None else last_delta
    rest = struct.pack(">hiqqqhii", attributes, last, stamp, stamp, *producer, count)
    rest += b"".join(record(i, key, value) for i, value in enumerate(values))
    return struct.pack(">qiibI", 0, len(rest) + 9, -1, 2, crc32c(rest)) + rest


def create(name, partitions=1, replicas=1, configs=()):
    settings = [string(key) + string(value) for key, value in configs]
    one = string(name) + struct.pack(">ih", partitions, replicas) + array([]) + array(settings)
    reply = Connection().ask(19, 4, array([one]) + struct.pack(">i?", 10000, False))
    reply.take("i")
    ((_, code, why),) = reply.array(lambda: (reply.string(), reply.take("h"), reply.string()))
    same(code, 0, f"error of create ({why})")
    if partitions > 0 and not AT_ONCE:
        rows = [(name, i, -1, 0) for i in range(partitions)]
        eventually(lambda: all(row[1] == 0 for row in fetch(rows, wait=0)[2]), what="leaders")
    return name


def produce_body(name, data, acks=-1, partition=0):
    rows = struct.pack(">i", partition) + struct.pack(">i", len(data)) + data
    return string(None) + struct.pack(">hi", acks, 10000) + array([string(name) + array([rows])])


def produce(name, data, acks=-1, version=8, connection=None):
    """(error, base offset, log append time, log start) and the per-record errors of one partition."""
    reply = (connection or Connection()).ask(0, version, produce_body(name, data, acks))

    def partition():
        _, *row = reply.take("ihqqq")
        errors = reply.array(lambda: (reply.take("i"), reply.string())) if version >= 8 else []
        if version >= 8:
            reply.string()
        return (*row, errors)

    return reply.array(lambda: (reply.string(), reply.array(partition)))[0][1][0]


def fetch_body(rows, version, session=(0, -1), wait=100, least=1):
    """Rows are (topic, partition, current epoch, offset)."""
    body = struct.pack(">iiiib", -1, wait, least, 10_000_000, 0)
    if version >= 7:
        body += struct.pack(">ii", *session)
    parts = []
    for name, partition, epoch, offset in rows:
        one = struct.pack(">i", partition)
        one += struct.pack(">i", epoch) if version >= 9 else b""
        one += struct.pack(">q", offset)
        one += struct.pack(">q", -1) if version >= 5 else b""
        parts.append(string(name) + array([one + struct.pack(">i", 1_000_000)]))
    body += array(parts)
    body += array([]) if version >= 7 else b""
    return body + (string("") if version >= 11 else b"")


def fetch(rows, version=11, connection=None, **more):
    """(top error, session, [(partition, error, high watermark, records)])."""
    reply = (connection or Connection()).ask(1, version, fetch_body(rows, version, **more))
    reply.take("i")
    error, session = reply.take("hi") if version >= 7 else (0, 0)

    def partition():
        index, code, high, _ = reply.take("ihqq")
        if version >= 5:
            reply.take("q")
        reply.array(lambda: reply.take("qq"))
        if version >= 11:
            reply.take("i")
        return index, code, high, reply.bytes()

    topics = reply.array(lambda: (reply.string(), reply.array(partition)))
    return error, session, [row for _, rows in topics for row in rows]


def list_offsets(name, stamp, epoch=-1, version=5):
    """(error, timestamp, offset, leader epoch)."""
    one = struct.pack(">iiq", 0, epoch, stamp)
    reply = Connection().ask(2, version, struct.pack(">ib", -1, 0) + array([string(name) + array([one])]))
    reply.take("i")
    return reply.array(lambda: (reply.string(), reply.array(lambda: reply.take("ihqqi"))))[0][1][0][1:]


def advertised():
    reply = Connection().ask(18, 0, b"")
    same(reply.take("h"), 0, "error")
    return {key: (low, high) for key, low, high in reply.array(lambda: reply.take("hhh"))}


def producer_id():
    """Kafka may still be waiting for its first block of ids (error 14)."""
    rows = []

    def probe():
        reply = Connection().ask(22, 1, string(None) + struct.pack(">i", 60000))
        rows.append(reply.take("ihqh")[1:])
        return AT_ONCE or rows[-1][0] != 14

    eventually(probe, what="a block of ids")
    error, number, epoch = rows[-1]
    same(error, 0, "error of InitProducerId")
    return number, epoch


@case("raw/unknown-version-of-api-versions")
def unknown_api_versions():
    connection = Connection()
    reply = connection.ask(18, 99, b"\x04raw\x021\0", flexible=True)
    same(reply.take("h"), 35, "error")
    same([row[0] for row in reply.array(lambda: reply.take("hhh"))], [18], "keys in the v0 answer")
    same(connection.ask(18, 0, b"").take("h"), 0, "error of the next request on the connection")


@case("raw/unknown-versions-close-the-connection")
def unknown_versions():
    for key, version in ((1, 99), (3, -1), (999, 0), (0, 2)):
        connection = Connection()
        connection.send(key, version, b"")
        holds(connection.closed(), f"key {key} version {version} got an answer")
    same(Connection().ask(18, 0, b"").take("h"), 0, "error afterwards")


# Kafka 4.4's ranges on a broker listener for everything that a client without groups asks for.
RANGES = {
    0: (0, 13), 1: (4, 18), 2: (1, 11), 3: (0, 13), 18: (0, 5), 19: (2, 7), 20: (1, 6), 21: (0, 2), 22: (0, 5),
    23: (2, 4), 32: (1, 4), 33: (0, 2), 35: (1, 5), 37: (0, 3), 44: (0, 1), 46: (0, 0), 55: (0, 2), 57: (0, 2),
    60: (0, 2), 74: (0, 1), 75: (0, 0),
}


@case("raw/advertised-ranges-are-those-of-kafka")
def ranges():
    found = advertised()
    same({key: found.get(key) for key in RANGES}, RANGES, "ranges")


@case("raw/acks-0-has-no-response")
def silent():
    name = create(topic("silent"))
    connection = Connection()
    connection.send(0, 8, produce_body(name, batch([b"x"]), acks=0))
    same(connection.ask(18, 0, b"").take("h"), 0, "the next request's answer")
    eventually(lambda: fetch([(name, 0, -1, 0)])[2][0][2] == 1, what="the record")


@case("raw/acks-0-error-closes-the-connection")
def silent_error():
    connection = Connection()
    connection.send(0, 8, produce_body(topic("nowhere"), batch([b"x"]), acks=0))
    holds(connection.closed(), "still open")


@case("raw/invalid-acks")
def invalid_acks():
    name = create(topic("invalid-acks"))
    same(produce(name, batch([b"x"]), acks=2)[0], 21, "error")


@case("raw/answers-come-in-the-order-of-requests")
def order():
    name = create(topic("order"))
    connection = Connection()
    sent = [connection.send(1, 11, fetch_body([(name, 0, -1, 0)], 11, wait=300))]
    for _ in range(50):
        sent.append(connection.send(18, 0, b""))
        sent.append(connection.send(0, 8, produce_body(name, batch([b"x"]))))
    same([connection.receive()[0] for _ in sent], sent, "correlation ids")


@case("raw/empty-fetch-has-zero-length-records")
def empty_fetch():
    name = create(topic("empty"))
    for version in range(4, 12):
        (row,) = fetch([(name, 0, -1, 0)], version)[2]
        same(row, (0, 0, 0, b""), f"version {version}")


@case("raw/fetch-errors")
def fetch_errors():
    name = create(topic("errors"))
    produce(name, batch([b"x"]))
    same(fetch([(name, 0, -1, 1)])[2][0][1], 0, "at the end")
    same(fetch([(name, 0, -1, 2)])[2][0][1], 1, "past the end")
    same(fetch([(name, 0, -1, -3)])[2][0][1], 1, "before the start")
    same(fetch([(name, 5, -1, 0)])[2][0][1], 3, "unknown partition")
    same(fetch([(topic("nowhere"), 0, -1, 0)])[2][0][1], 3, "unknown topic")
    same(fetch([(name, 0, 77, 0)])[2][0][1], 75, "epoch of the future")


@case("raw/fetch-sessions")
def sessions():
    name = create(topic("session"), partitions=2)
    connection = Connection()
    ask = lambda rows, session: fetch(rows, 11, connection, session=session, wait=50)
    error, session, rows = ask([(name, 0, -1, 0), (name, 1, -1, 0)], (0, 0))
    same((error, len(rows)), (0, 2), "full fetch")
    holds(session != 0, "no session was made")
    same(ask([], (session, 1)), (0, session, []), "nothing changed")
    produce(name, batch([b"x"]))
    error, _, rows = ask([], (session, 2))
    same([row[:3] for row in rows], [(0, 0, 1)], "changed partition only")
    same(ask([], (session, 9))[0], 71, "wrong epoch")
    same(ask([], (session + 1, 3))[0], 70, "unknown session")


@case("raw/waiting-fetch-is-woken-by-a-record")
def waiting():
    name = create(topic("waiting"))
    connection = Connection()
    started = time.monotonic()
    sent = connection.send(1, 11, fetch_body([(name, 0, -1, 0)], 11, wait=8000))
    time.sleep(0.1)
    produce(name, batch([b"x"]))
    same(connection.receive()[0], sent, "correlation id")
    holds(time.monotonic() - started < 5, "it waited to its end")


@case("raw/list-offsets-gives-the-epoch-of-the-offset")
def epochs():
    name = create(topic("epochs"))
    same(list_offsets(name, -2), (0, -1, 0, 0), "earliest of an empty log")
    produce(name, batch([b"x"], stamp=1_700_000_000_000))
    same(list_offsets(name, -1), (0, -1, 1, 0), "latest")
    same(list_offsets(name, 1), (0, 1_700_000_000_000, 0, 0), "by time")
    same(list_offsets(name, 1_800_000_000_000), (0, -1, -1, -1), "past the end")
    same(list_offsets(name, -1, epoch=9)[0], 75, "epoch of the future")


@case("raw/create-with-the-broker-s-defaults")
def defaults():
    create(topic("defaults"), partitions=-1, replicas=-1)


@case("raw/topic-is-usable-when-its-creation-is-answered")
def usable():
    for i in range(10):
        name = create(topic(f"usable-{i}"), partitions=3)
        same(produce(name, batch([b"x"]))[:2], (0, 0), f"produce to topic {i}")
        same(list_offsets(name, -1)[:3], (0, -1, 1), f"latest offset of topic {i}")


@case("raw/metadata-lists")
def metadata_lists():
    name = create(topic("known"))

    def names(body, version):
        reply = Connection().ask(3, version, body)
        if version >= 3:
            reply.take("i")
        reply.array(lambda: (reply.take("i"), reply.string(), reply.take("i"), reply.string()))
        if version >= 2:
            reply.string()
        reply.take("i")
        part = lambda: (reply.take("hii"), reply.array(lambda: reply.take("i")), reply.array(lambda: reply.take("i")))
        return {row[1]: row[0] for row in reply.array(
            lambda: (reply.take("h"), reply.string(), reply.take("b"), reply.array(part)))}

    holds(name in names(array(None), 1), "null means all")
    same(names(array([]), 1), {}, "empty means none")
    unknown = topic("unknown")
    same(names(array([string(unknown)]) + b"\0", 4), {unknown: 3}, "creation not allowed")
    same(list(names(array([string("no/slash")]) + b"\1", 4).values()), [17], "error for an invalid name")
    made = names(array([string(unknown)]) + b"\1", 4)
    holds(made[unknown] in (0, 3, 5), f"creation allowed: error {made}")
    eventually(lambda: names(array([string(unknown)]) + b"\1", 4)[unknown] == 0, what="the topic")


@case("raw/idempotence-window-and-sequences")
def sequences():
    name = create(topic("sequences"))
    pid, epoch = producer_id()
    send = lambda sequence, count=1, at=epoch: produce(name, batch([b"x"] * count, (pid, at, sequence)))[:2]
    for i in range(6):
        same(send(i), (0, i), f"sequence {i}")
    for i in range(1, 6):
        same(send(i), (0, i), f"duplicate of {i}")
    same(send(0)[0], 45, "duplicate older than the window")
    same(send(9)[0], 45, "gap")
    same(send(3, at=epoch + 1)[0], 45, "new epoch not at 0")
    same(send(0, at=epoch + 1), (0, 6), "new epoch at 0")
    same(send(6)[0], 47, "old epoch")
    same(fetch([(name, 0, -1, 0)])[2][0][2], 7, "records in the log")


@case("raw/sequences-wrap")
def wrap():
    name = create(topic("wrap"))
    pid, epoch = producer_id()
    top = 2**31 - 1
    same(produce(name, batch([b"x"] * 2, (pid, epoch, top - 1)))[:2], (0, 0), "first batch")
    same(produce(name, batch([b"x"], (pid, epoch, 0)))[:2], (0, 2), "after the wrap")
    other, epoch = producer_id()
    same(produce(name, batch([b"x"] * 3, (other, epoch, top)))[:2], (0, 3), "a batch over the wrap")
    same(produce(name, batch([b"x"], (other, epoch, 2)))[:2], (0, 6), "after it")


@case("raw/refused-batches")
def refused():
    name = create(topic("refused"))
    good = batch([b"a", b"b"])
    broken = good[:-1] + bytes([good[-1] ^ 1])
    same(produce(name, broken)[0], 2, "broken checksum")
    same(produce(name, good + batch([b"c"]))[0], 87, "two batches")
    same(produce(name, batch([b"a"], attributes=0x20))[0], 87, "control batch")
    same(produce(name, batch([b"a"], count=2))[0], 87, "count too high")
    same(produce(name, batch([b"a", b"b"], last_delta=5))[0], 87, "last delta too high")
    same(produce(name, batch([b"a"], stamp=int(time.time() * 1000) + 7_200_000))[0], 32, "two hours ahead")
    same(fetch([(name, 0, -1, 0)])[2][0][2], 0, "records in the log")
    same(produce(name, good)[:2], (0, 0), "a good one after them")


@case("raw/errors-of-records")
def record_errors():
    name = create(topic("compacted"), configs=[("cleanup.policy", "compact")])
    error, *_, rows = produce(name, batch([b"a", b"b"], key=None))
    same((error, [row[0] for row in rows]), (87, [0, 1]), "error and indexes")


@case("raw/log-append-time")
def append_time():
    name = create(topic("append-time"), configs=[("message.timestamp.type", "LogAppendTime")])
    error, _, stamp, _, _ = produce(name, batch([b"a"], stamp=1_000_000))
    same(error, 0, "error")
    holds(abs(stamp / 1000 - time.time()) < 60, f"answered {stamp}")
    data = fetch([(name, 0, -1, 0)])[2][0][3]
    attributes, _, _, latest = struct.unpack_from(">hiqq", data, 21)
    same((attributes & 8, latest), (8, stamp), "bit and time in the log")
    same(produce(name, batch([b"a"], attributes=0x08))[0], 32, "a producer that sets the bit itself")
    elsewhere = create(topic("create-time"))
    same(produce(elsewhere, batch([b"a"]))[2], -1, "append time elsewhere")
    same(produce(elsewhere, batch([b"a"], attributes=0x08))[0], 0, "the bit where it has no effect")


@case("raw/zstd-needs-version-7")
def old_zstd():
    name = create(topic("zstd"))
    same(produce(name, batch([b"a"], attributes=4), version=6)[0], 76, "error")


@case("raw/topic-ids")
def topic_ids():
    unknown = bytes(range(16))
    data = batch([b"x"])
    one = struct.pack(">iB", 0, len(data) + 1) + data + b"\0"
    body = b"\0" + struct.pack(">hi", -1, 1000) + b"\x02" + unknown + b"\x02" + one + b"\0\0"
    reply = Connection().ask(0, 13, body, flexible=True)
    same(reply.varint(), 2, "topics")
    reply.at += 16
    same(reply.varint(), 2, "partitions")
    same(reply.take("ih")[1], 100, "error of produce")
    row = struct.pack(">iiqiqi", 0, -1, 0, -1, -1, 1000) + b"\0"
    body = struct.pack(">iiiibii", -1, 100, 1, 1000, 0, 0, -1) + b"\x02" + unknown + b"\x02" + row + b"\0" + b"\x01\x01\0"
    reply = Connection().ask(1, 13, body, flexible=True)
    same(reply.take("ihi"), (0, 0, 0), "throttle, error, session")
    same(reply.varint(), 2, "topics")
    reply.at += 16
    same(reply.varint(), 2, "partitions")
    same(reply.take("ih")[1], 100, "error of fetch")


@case("raw/offset-for-leader-epoch")
def leader_epoch():
    name = create(topic("leader-epoch"))
    produce(name, batch([b"a", b"b"]))

    def ask(current, wanted):
        one = struct.pack(">iii", 0, current, wanted)
        reply = Connection().ask(23, 3, struct.pack(">i", -1) + array([string(name) + array([one])]))
        reply.take("i")
        return reply.array(lambda: (reply.string(), reply.array(lambda: reply.take("hiiq"))))[0][1][0]

    same(ask(-1, 0), (0, 0, 0, 2), "the epoch in force")
    same(ask(-1, 5), (0, 0, -1, -1), "an epoch of the future")
    same(ask(9, 0)[0], 75, "current epoch of the future")


@case("raw/telemetry-is-not-offered-or-answers")
def telemetry():
    if 71 in advertised():
        reply = Connection().ask(71, 0, bytes(16) + b"\0", flexible=True)
        holds(reply.take("ih")[1] in (0, 42), "error of GetTelemetrySubscriptions")


@case("raw/hostile-frames-close-only-their-connection")
def hostile():
    for data in (struct.pack(">i", -1), struct.pack(">i", 2**31 - 1), struct.pack(">i", 3) + b"abc"):
        connection = Connection()
        connection.socket.sendall(data)
        holds(connection.closed(), f"{data[:4].hex()} kept open")
    connection = Connection()
    connection.send(3, 1, struct.pack(">i", 2**31 - 1))
    holds(connection.closed(), "an array of 2^31-1 was accepted")
    same(Connection().ask(18, 0, b"").take("h"), 0, "error afterwards")


main()
