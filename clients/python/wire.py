"""Requests and responses by name, after the definitions in `crates/wire/spec/api` (its README explains the notation).

Apache Kafka, asked first, shows that the definitions are right. Fields that a call leaves out have their defaults; fields
that the version does not have are left out.
"""

import functools
import pathlib
import re
import struct

from frames import Connection

SPEC = pathlib.Path(__file__).parents[2] / "crates/wire/spec/api"
PLAIN = {"bool": "?", "int8": "b", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "float64": "d"}


class Message(dict):
    """Fields by name, as attributes too."""

    __getattr__ = dict.__getitem__


class Versions:
    """`3+`, `3-12`, `3` or everything."""

    def __init__(self, text):
        low, _, high = (text or "0+").replace("+", "-").partition("-")
        self.low = int(low)
        self.high = int(high) if high else (self.low if text and text.isdigit() else 32767)

    def __contains__(self, version):
        return self.low <= version <= self.high


class Field:
    def __init__(self, line):
        self.name, kind, *rest = line.split()
        self.versions = Versions(rest.pop(0) if rest and re.fullmatch(r"\d+(\+|-\d+)?", rest[0]) else None)
        words = " ".join(rest)
        found = re.search(r"\btag (\d+)", words)
        self.tag = int(found[1]) if found else None
        found = re.search(r"\bnull (\S+)", words)
        self.null = Versions(found[1]) if found else ([] if not kind.endswith("?") else Versions(None))
        found = re.search(r"= (\S+)", words)
        self.default = found[1] if found else None
        self.kind = kind.rstrip("?")
        self.fields = []

    def filled(self):
        """The value of a field that a call leaves out."""
        if self.default is not None:
            return {"null": None, "true": True}.get(self.default) if not re.match(r"-?\d", self.default) else int(self.default)
        if self.kind.startswith("[]"):
            return []
        return {"string": "", "bytes": b"", "uuid": bytes(16)}.get(self.kind, 0 if self.kind in PLAIN else {})


class Api:
    """One file of definitions."""

    def __init__(self, text):
        lines = [line.split("#")[0].rstrip() for line in text.splitlines()]
        lines = [line for line in lines if line]
        self.key = int(lines[0].split()[1])
        self.parts = {}
        for line in lines[1:]:
            words = line.split()
            depth = (len(line) - len(line.lstrip())) // 2
            if depth == 0:
                flexible = words[words.index("flexible") + 1] if "flexible" in words else None
                part = {"versions": Versions(words[1]), "flexible": Versions(flexible) if flexible else [], "structs": {}, "fields": []}
                self.parts[words[0]] = part
                open_lists = [part["fields"]]
                continue
            open_lists = open_lists[:depth]
            if words[0] == "struct":
                open_lists.append(part["structs"].setdefault(words[1], []))
                continue
            field = Field(line)
            open_lists[-1].append(field)
            open_lists.append(field.fields)


@functools.cache
def api(name):
    (path,) = SPEC.glob(f"*-{name}.spec")
    return Api(path.read_text())


class Coder:
    """One direction of one API in one version."""

    def __init__(self, part, version):
        self.part, self.version = part, version
        self.flexible = version in part["flexible"]

    def inner(self, field):
        return field.fields or self.part["structs"][field.kind.removeprefix("[]")]

    def size(self, count, form):
        if self.flexible:
            count += 1
            out = b""
            while count > 0x7F:
                out += bytes([count & 0x7F | 0x80])
                count >>= 7
            return out + bytes([count])
        return struct.pack(form, count)

    def write(self, fields, values):
        unknown = set(values) - {field.name for field in fields}
        if unknown:
            raise KeyError(f"no such fields: {unknown}")
        present = [field for field in fields if self.version in field.versions]
        out = b"".join(self.value(f, f.kind, values.get(f.name, f.filled())) for f in present if f.tag is None)
        return out + (b"\0" if self.flexible else b"")

    def value(self, field, kind, value):
        if kind.startswith("[]"):
            items = [] if value is None else [self.value(field, kind[2:], item) for item in value]
            return self.size(-1 if value is None else len(items), ">i") + b"".join(items)
        if kind in PLAIN:
            return struct.pack(">" + PLAIN[kind], value)
        if kind == "uuid":
            return value
        if kind in ("string", "bytes", "records"):
            form = ">h" if kind == "string" else ">i"
            data = value.encode() if isinstance(value, str) else value
            return self.size(-1, form) if data is None else self.size(len(data), form) + data
        return self.write(self.inner(field), value)

    def count(self, reader, form):
        return reader.varint() - 1 if self.flexible else reader.take(form)

    def read(self, fields, reader):
        present = [field for field in fields if self.version in field.versions]
        message = Message((f.name, self.taken(f, f.kind, reader)) for f in present if f.tag is None)
        if self.flexible:
            reader.tags()
        return message

    def taken(self, field, kind, reader):
        if kind.startswith("[]"):
            count = self.count(reader, "i")
            return None if count < 0 else [self.taken(field, kind[2:], reader) for _ in range(count)]
        if kind in PLAIN:
            return reader.take(PLAIN[kind])
        if kind == "uuid":
            return reader.raw(16)
        if kind in ("string", "bytes", "records"):
            count = self.count(reader, "h" if kind == "string" else "i")
            data = None if count < 0 else reader.raw(count)
            return data.decode() if data is not None and kind == "string" else data
        if field.null and kind == field.kind and reader.take("b") < 0:
            return None
        return self.read(self.inner(field), reader)


def send(connection, name, version, **values):
    """Sends a request whose answer may be long in coming; `receive` takes it."""
    coder = Coder(api(name).parts["request"], version)
    body = coder.write(coder.part["fields"], values)
    return connection.send(api(name).key, version, body, coder.flexible)


def receive(connection, name, version):
    coder = Coder(api(name).parts["response"], version)
    _, reader = connection.receive()
    if coder.flexible:
        reader.tags()
    message = coder.read(coder.part["fields"], reader)
    if reader.at != len(reader.data):
        raise AssertionError(f"{name} {version}: {len(reader.data) - reader.at} bytes are left")
    return message


def ask(name, version, connection=None, **values):
    """One request and its answer."""
    connection = connection or Connection()
    send(connection, name, version, **values)
    return receive(connection, name, version)
