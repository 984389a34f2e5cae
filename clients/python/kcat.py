"""kcat (librdkafka 2.0): what a person types. Only Python's own library is needed."""

import json
import subprocess
import time

from cases import BOOTSTRAP, case, eventually, holds, main, payload, same, topic


def kcat(*arguments, given=b"", wanted=0):
    done = subprocess.run(["kcat", "-b", BOOTSTRAP, *arguments], input=given, capture_output=True, timeout=25)
    if wanted is not None:
        same(done.returncode, wanted, f"exit code ({done.stderr.decode(errors='replace')[-200:]})")
    return done


def read(name, *arguments):
    return kcat("-C", "-e", "-q", "-t", name, *arguments).stdout


@case("kcat/hello")
def hello():
    name = topic("hello")
    kcat("-P", "-t", name, given=b"hello\n")
    same(read(name), b"hello\n", "what was read")


@case("kcat/lists-brokers-and-topics")
def lists():
    name = topic("listed")
    kcat("-P", "-t", name, given=b"x\n")
    found = json.loads(kcat("-L", "-J").stdout)
    same(len(found["brokers"]), 1, "brokers")
    same(found["brokers"][0]["name"].split(":")[1], BOOTSTRAP.split(":")[1], "advertised port")
    holds(name in [t["topic"] for t in found["topics"]], "topic not listed")


@case("kcat/every-codec")
def codecs():
    name = topic("codecs")
    sent = b""
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        lines = b"".join(f"{codec} {i} {'x' * 200}\n".encode() for i in range(100))
        kcat("-P", "-t", name, "-p", "0", "-z", codec, given=lines)
        sent += lines
    same(read(name, "-p", "0", "-o", "beginning"), sent, "what was read")


@case("kcat/acks-and-idempotence")
def acknowledgements():
    name = topic("acks")
    for setting in ("acks=1", "acks=all", "enable.idempotence=true", "acks=0"):
        kcat("-P", "-t", name, "-p", "0", "-X", setting, given=setting.encode() + b"\n")
    eventually(lambda: len(read(name).splitlines()) == 4, what="four records")


@case("kcat/keys-headers-and-nulls")
def headers():
    name = topic("headers")
    kcat("-P", "-t", name, "-p", "0", "-K", ":", "-H", "same=1", "-H", "same=2", "-H", "empty=", given=b"k:v\n")
    kcat("-P", "-t", name, "-p", "0", "-K", ":", "-Z", given=b"k:\n")
    first, second = [json.loads(line) for line in read(name, "-J").splitlines()]
    same((first["key"], first["payload"]), ("k", "v"), "record")
    same(first["headers"][:4], ["same", "1", "same", "2"], "headers")
    same((second["key"], second["payload"]), ("k", None), "record without a value")


@case("kcat/offsets-from-either-end")
def offsets():
    name = topic("offsets")
    kcat("-P", "-t", name, "-p", "0", "-X", "linger.ms=100", given=b"".join(b"%d\n" % i for i in range(100)))
    same(read(name, "-p", "0", "-o", "42", "-c", "1"), b"42\n", "from 42")
    same(read(name, "-p", "0", "-o", "-3"), b"97\n98\n99\n", "last three")
    same(read(name, "-p", "0", "-o", "end"), b"", "from the end")


@case("kcat/from-a-timestamp")
def timestamps():
    name = topic("times")
    kcat("-P", "-t", name, "-p", "0", given=b"before\n")
    time.sleep(0.02)
    between = int(time.time() * 1000)
    time.sleep(0.02)
    kcat("-P", "-t", name, "-p", "0", given=b"after\n")
    same(read(name, "-p", "0", "-o", f"s@{between}"), b"after\n", "from between")
    found = kcat("-Q", "-t", f"{name}:0:{between}").stdout.decode()
    same(found.strip(), f"{name} [0] offset 1", "query")


@case("kcat/a-megabyte-line")
def large():
    name = topic("large")
    line = payload(900_000).replace(b"\n", b" ").replace(b"\0", b" ")
    kcat("-P", "-t", name, "-p", "0", given=line + b"\n")
    same(read(name) == line + b"\n", True, "equal")


@case("kcat/reads-many-partitions-to-their-ends")
def many():
    name = topic("many")
    kcat("-P", "-t", name, given=b"".join(b"%d\n" % i for i in range(1000)))
    same(len(read(name).splitlines()), 1000, "lines")


@case("kcat/missing-topic")
def missing():
    done = kcat("-C", "-e", "-t", topic("missing"), "-X", "topic.metadata.propagation.max.ms=0", wanted=1)
    holds(b"Unknown topic or partition" in done.stderr, f"said {done.stderr[-200:]}")


@case("kcat/invalid-topic-name")
def invalid():
    done = kcat("-P", "-t", "no/slash", "-X", "message.timeout.ms=3000", given=b"x\n", wanted=1)
    holds(b"Invalid topic" in done.stderr or b"invalid topic" in done.stderr.lower(), f"said {done.stderr[-200:]}")


main()
