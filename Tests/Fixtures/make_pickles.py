"""Writes pickles.json: what Python pickles in every protocol, and NumPy's arrays.

    python make_pickles.py

Made with Python 3.11.7, NumPy 2.4.6.
"""

import base64
import collections
import json
import os
import pickle

import numpy

import python2_pickle

FOLDER = os.path.dirname(os.path.abspath(__file__))

shared = ["a", "b"]
mixed = {
    "none": None, "true": True, "false": False, "small": 7, "medium": 700, "large": -70000, "huge": 2**62,
    "negative": -(2**40), "real": -0.125, "text": "Zürich \\ \n \U0001f600", "bytes": b"\x00\xff\n'",
    "empty": b"", "list": [1, [2, [3]]], "tuple": (1, (2,), (), (1, 2, 3, 4)), "shared": [shared, shared],
    "set": {5}, "frozen": frozenset([6]), "long text": "x" * 300, "long bytes": b"y" * 300,
    "many": list(range(300)),
}
ordered = collections.OrderedDict([("first", 1), ("second", 2)])
arrays = [
    numpy.arange(12, dtype=numpy.uint8).reshape(3, 4),
    numpy.asfortranarray(numpy.arange(6, dtype=numpy.int16).reshape(2, 3) - 3),
    numpy.array([-1, 300, 2**40], dtype=">i8"),
    numpy.zeros((0, 3), dtype=numpy.float32),
]
scalars = [numpy.int64(-7), 3, numpy.uint8(200), numpy.int64(2**40)]


def encoded(content):
    return base64.b64encode(content).decode()


fixtures = {
    # Up to protocol 3, sets are created by a call of their class.
    "mixed": {
        protocol: encoded(
            pickle.dumps({k: v for k, v in mixed.items() if protocol >= 4 or k not in ("set", "frozen")}, protocol)
        )
        for protocol in range(6)
    },
    "ordered": {protocol: encoded(pickle.dumps(ordered, protocol)) for protocol in range(2, 6)},
    "arrays": {protocol: encoded(pickle.dumps(arrays, protocol)) for protocol in range(6)},
    "scalars": {protocol: encoded(pickle.dumps(scalars, protocol)) for protocol in range(6)},
    "python2": encoded(python2_pickle.dumps({"data": python2_pickle.Array((2, 3), bytes(range(6))), "labels": [6, 300]})),
    "longInteger": encoded(pickle.dumps(0x1950A86A20F9469CFC6C, 2)),
}
with open(os.path.join(FOLDER, "pickles.json"), "w") as file:
    json.dump(fixtures, file, indent=1)
    file.write("\n")
