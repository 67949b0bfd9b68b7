"""Writes pickles byte for byte as Python 2's cPickle does in protocol 2: the form of CIFAR's Python archives."""

import struct


class Array:
    """A uint8 array of two axes, to be written as NumPy 1 does."""

    def __init__(self, shape, content):
        self.shape, self.content = shape, content


class Writer:
    def __init__(self):
        self.parts, self.memo = [b"\x80\x02"], 0

    def put(self):
        self.memo += 1
        place = self.memo
        self.parts.append(b"q" + bytes([place]) if place < 256 else b"r" + struct.pack("<I", place))

    def text(self, value, keep=True):
        value = value.encode("latin1")
        self.parts.append(b"U" + bytes([len(value)]) + value if len(value) < 256 else b"T" + struct.pack("<I", len(value)) + value)
        if keep:
            self.put()

    def integer(self, value):
        if 0 <= value < 256:
            self.parts.append(b"K" + bytes([value]))
        elif 0 <= value < 65536:
            self.parts.append(b"M" + struct.pack("<H", value))
        else:
            self.parts.append(b"J" + struct.pack("<i", value))

    def array(self, value):
        self.parts.append(b"cnumpy.core.multiarray\n_reconstruct\n")
        self.put()
        self.parts.append(b"cnumpy\nndarray\n")
        self.put()
        self.parts.append(b"K\x00\x85")
        self.put()
        self.text("b")
        self.parts.append(b"\x87")
        self.put()
        self.parts.append(b"R")
        self.put()
        self.parts.append(b"(K\x01")
        for length in value.shape:
            self.integer(length)
        self.parts.append(b"\x86")
        self.put()
        self.parts.append(b"cnumpy\ndtype\n")
        self.put()
        self.text("u1")
        self.parts.append(b"K\x00K\x01\x87")
        self.put()
        self.parts.append(b"R")
        self.put()
        self.parts.append(b"(K\x03")
        self.text("|")
        self.parts.append(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t")
        self.put()
        self.parts.append(b"b\x89")
        self.parts.append(b"T" + struct.pack("<I", len(value.content)) + value.content)
        self.put()
        self.parts.append(b"t")
        self.put()
        self.parts.append(b"b")

    def value(self, value):
        if isinstance(value, Array):
            self.array(value)
        elif isinstance(value, str):
            self.text(value)
        elif isinstance(value, int):
            self.integer(value)
        elif isinstance(value, list):
            self.parts.append(b"]")
            self.put()
            self.parts.append(b"(")
            for item in value:
                self.value(item)
            self.parts.append(b"e")
        elif isinstance(value, dict):
            self.parts.append(b"}")
            self.put()
            self.parts.append(b"(")
            for key, item in value.items():
                self.value(key)
                self.value(item)
            self.parts.append(b"u")
        else:
            raise TypeError(type(value))


def dumps(value):
    writer = Writer()
    writer.value(value)
    return b"".join(writer.parts) + b"."
