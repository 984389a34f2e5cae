"""Frames over a socket: sizes, headers and correlation ids, and the values that requests are made of."""

import socket
import struct

from cases import BOOTSTRAP, same

HOST, PORT = BOOTSTRAP.rsplit(":", 1)


def string(text):
    return struct.pack(">h", -1) if text is None else struct.pack(">h", len(text)) + text.encode()


def array(items):
    return struct.pack(">i", -1) if items is None else struct.pack(">i", len(items)) + b"".join(items)


class Reader:
    """Takes values off the front of a response."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        got = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return got[0] if len(got) == 1 else got

    def string(self):
        size = self.take("h")
        if size < 0:
            return None
        self.at += size
        return self.data[self.at - size : self.at].decode()

    def raw(self, size):
        self.at += size
        return self.data[self.at - size : self.at]

    def bytes(self):
        size = self.take("i")
        if size < 0:
            return None
        self.at += size
        return self.data[self.at - size : self.at]

    def array(self, item):
        size = self.take("i")
        return None if size < 0 else [item() for _ in range(size)]

    def varint(self):
        number = shift = 0
        while True:
            byte = self.take("B")
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    def tags(self):
        for _ in range(self.varint()):
            self.varint()
            self.at += self.varint()


class Connection:
    """One socket; requests get growing correlation ids."""

    def __init__(self):
        self.socket = socket.create_connection((HOST, int(PORT)), timeout=10)
        self.next = 0

    def send(self, key, version, body, flexible=False):
        self.next += 1
        head = struct.pack(">hhi", key, version, self.next) + string("raw") + (b"\0" if flexible else b"")
        self.socket.sendall(struct.pack(">i", len(head + body)) + head + body)
        return self.next

    def exactly(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise ConnectionError("closed by the broker")
            data += more
        return data

    def receive(self):
        (size,) = struct.unpack(">i", self.exactly(4))
        reader = Reader(self.exactly(size))
        return reader.take("i"), reader

    def ask(self, key, version, body, flexible=False):
        sent = self.send(key, version, body, flexible)
        got, reader = self.receive()
        same(got, sent, "correlation id")
        if flexible and key != 18:
            reader.tags()
        return reader

    def closed(self):
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True
