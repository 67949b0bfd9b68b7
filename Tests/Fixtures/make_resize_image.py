"""What the scripts that make fixtures of resizes share: an image of pseudo-random bytes, and a hash."""

import numpy
from PIL import Image


def image(offset, width, height):
    """The bytes that `hashSequenceImage` has in the tests."""
    x = (numpy.arange(offset, offset + 3 * width * height, dtype=numpy.uint64) * 2654435761) & 0xFFFFFFFF
    x ^= x >> 15
    x = (x * 2246822519) & 0xFFFFFFFF
    return Image.fromarray((x >> 24).astype(numpy.uint8).reshape(height, width, 3))


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value
