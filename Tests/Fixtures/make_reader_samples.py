"""Writes small archives in the official formats into readers/, and readers/samples.json: what is in them.

    python make_reader_samples.py

CIFAR-10 and -100 (binary and Python versions), SVHN, EMNIST, ILSVRC's devkit, WebDataset's shards. Checksums are CRC-64/XZ over an image's bytes, row by row,
RGB. Made with Python 3.11.7, NumPy 2.4.6, SciPy 1.17.1.
"""

import gzip
import io
import json
import os
import pickle
import struct
import tarfile
import zlib

import numpy
import scipy.io

import python2_pickle

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "readers")
TABLE = []
for byte in range(256):
    crc = byte
    for _ in range(8):
        crc = (crc >> 1) ^ (0xC96C5795D7870F42 if crc & 1 else 0)
    TABLE.append(crc)


def crc64(data):
    crc = 0xFFFFFFFFFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return f"{crc ^ 0xFFFFFFFFFFFFFFFF:016x}"


def pictures(count, seed):
    """Shape [count, 32, 32, 3], uint8; smooth, so that archives stay small."""
    n, y, x, c = numpy.mgrid[0:count, 0:32, 0:32, 0:3]
    return ((x // 2 * (n + 3 + seed) + y * (2 * c + 1) + 40 * n + 11 * seed) % 256).astype(numpy.uint8)


def add(archive, name, content):
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def write_tar(name, files):
    path = os.path.join(FOLDER, name)
    with open(path, "wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            for entry, content in files:
                add(archive, entry, content)


def described(labels, images, names=None):
    result = {"labels": [int(label) for label in labels], "checksums": [crc64(image.tobytes()) for image in images]}
    if names is not None:
        result["names"] = names
    return result


def planes(images):
    return images.transpose(0, 3, 1, 2).reshape(len(images), -1)


samples = {}

# CIFAR-10: the files of the official archives are in no particular order.
names10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
batches = {}
for index, name in enumerate([f"data_batch_{n}" for n in range(1, 6)] + ["test_batch"]):
    images = pictures(2, index)
    labels = [(2 * index) % 10, (2 * index + 1) % 10]
    batches[name] = (labels, images, [f"{names10[label]}_s_{index:06d}.png" for label in labels])
order = ["data_batch_4", "test_batch", "data_batch_3", "data_batch_2", "data_batch_5", "data_batch_1"]
python, binary = [], []
for name in order:
    labels, images, names = batches[name]
    content = {
        "batch_label": "training batch",
        "labels": labels,
        "data": python2_pickle.Array((len(labels), 3072), planes(images).tobytes()),
        "filenames": names,
    }
    python.append((f"cifar-10-batches-py/{name}", python2_pickle.dumps(content)))
    records = b"".join(bytes([label]) + row.tobytes() for label, row in zip(labels, planes(images)))
    binary.append((f"cifar-10-batches-bin/{name}.bin", records))
    if name == "data_batch_4":
        meta = {"num_cases_per_batch": 2, "label_names": names10, "num_vis": 3072}
        python.append(("cifar-10-batches-py/batches.meta", python2_pickle.dumps(meta)))
        python.append(("cifar-10-batches-py/readme.html", b"<html></html>"))
        binary.append(("cifar-10-batches-bin/batches.meta.txt", ("\n".join(names10) + "\n\n").encode()))
write_tar("cifar-10-python.tar.gz", python)
write_tar("cifar-10-binary.tar.gz", binary)
train = [batches[f"data_batch_{n}"] for n in range(1, 6)]
samples["cifar10"] = {
    "train": described(sum((b[0] for b in train), []), numpy.concatenate([b[1] for b in train]), sum((b[2] for b in train), [])),
    "test": described(*batches["test_batch"]),
    "classNames": names10,
}

# CIFAR-100, with pickles as written by Python 2, and by Python 3 in every protocol.
names100 = [f"class {n:02d}" for n in range(100)]
sets = {"train": ([19, 77, 0, 99, 5], pictures(5, 20)), "test": ([3, 98], pictures(2, 40))}
python, binary, repacked = [], [], {protocol: [] for protocol in range(6)}
for name, (labels, images) in sets.items():
    content = {
        "filenames": [f"{name}_{n}.png" for n in range(len(labels))],
        "batch_label": "batch",
        "fine_labels": labels,
        "coarse_labels": [label // 5 for label in labels],
        "data": python2_pickle.Array((len(labels), 3072), planes(images).tobytes()),
    }
    python.append((f"cifar-100-python/{name}", python2_pickle.dumps(content)))
    for protocol, files in repacked.items():
        again = dict(content, data=planes(images))
        if protocol >= 3:
            again = {key.encode(): value for key, value in again.items()}
        files.append((f"cifar-100-python/{name}", pickle.dumps(again, protocol)))
    records = b"".join(bytes([label // 5, label]) + row.tobytes() for label, row in zip(labels, planes(images)))
    binary.append((f"cifar-100-binary/{name}.bin", records))
    samples.setdefault("cifar100", {})[name] = described(labels, images, content["filenames"])
python.append(("cifar-100-python/meta", python2_pickle.dumps({"fine_label_names": names100, "coarse_label_names": ["a", "b"]})))
binary.append(("cifar-100-binary/fine_label_names.txt", ("\n".join(names100) + "\n").encode()))
write_tar("cifar-100-python.tar.gz", python)
write_tar("cifar-100-binary.tar.gz", binary)
for protocol, files in repacked.items():
    write_tar(f"cifar-100-protocol-{protocol}.tar.gz", files)
samples["cifar100"]["classNames"] = names100

# SVHN: the last axis of the MATLAB array is the image's index.
images, labels = pictures(10, 60), numpy.array([[10], [1], [2], [3], [4], [5], [6], [7], [8], [9]], dtype=numpy.uint8)
for name, compressed, count in [("svhn.mat", True, 10), ("svhn-plain.mat", False, 3), ("svhn-one.mat", True, 1)]:
    content = {"X": images[:count].transpose(1, 2, 3, 0), "y": labels[:count]}
    if count == 1:
        content = {"X": images[0], "y": labels[:1].astype(numpy.float64), "note": "one image"}
    scipy.io.savemat(os.path.join(FOLDER, name), content, do_compression=compressed)
    # The header contains the time of day, which is overwritten.
    with open(os.path.join(FOLDER, name), "r+b") as file:
        file.write(b"MATLAB 5.0 MAT-file, sample".ljust(116))
samples["svhn"] = described([0] + list(range(1, 10)), images)

# EMNIST's images are transposed.
upright = pictures(10, 80)[:, :28, :28, 1]
labels = numpy.arange(10, dtype=numpy.uint8) * 5 + 1
for name, header, content in [
    ("emnist-images-idx3-ubyte.gz", struct.pack(">4B3I", 0, 0, 8, 3, 10, 28, 28), upright.transpose(0, 2, 1).tobytes()),
    ("emnist-labels-idx1-ubyte.gz", struct.pack(">4BI", 0, 0, 8, 1, 10), labels.tobytes()),
]:
    with open(os.path.join(FOLDER, name), "wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as file:
        file.write(header + content)
samples["emnist"] = described(labels, numpy.repeat(upright[..., None], 3, axis=3))

# The ILSVRC devkit's meta.mat: four synsets, of which the last is not a leaf.
synsets = numpy.zeros(4, dtype=[(key, object) for key in ["ILSVRC2012_ID", "WNID", "words", "num_children"]])
for index, (wnid, words, children) in enumerate(
    [("n02119789", "kit fox, Vulpes macrotis", 0), ("n01440764", "tench", 0), ("n02100735", "English setter", 0), ("n00001740", "entity", 3)]
):
    synsets[index] = (index + 1, wnid, words, children)
scipy.io.savemat(os.path.join(FOLDER, "meta.mat"), {"synsets": synsets.reshape(-1, 1)}, do_compression=True)
with open(os.path.join(FOLDER, "meta.mat"), "r+b") as file:
    file.write(b"MATLAB 5.0 MAT-file, sample".ljust(116))



def png(image):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = image.shape
    rows = b"".join(b"\0" + row.tobytes() for row in image)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


# WebDataset: the first shard has .cls files, as webdataset.TarWriter writes them, the second .json files beside captions.
images, labels = pictures(5, 90), [3, 0, 2, 1, 2]
shards = [[], []]
for index, (image, label) in enumerate(zip(images, labels)):
    key = f"{index:06d}"
    if index < 3:
        shards[0] += [(f"{key}.png", png(image)), (f"{key}.cls", str(label).encode())]
    else:
        fields = {"label": label, "url": "https://example.org/a.png", "size": [32, 32]}
        shards[1] += [(f"{key}.json", json.dumps(fields).encode()), (f"{key}.png", png(image)), (f"{key}.txt", b"a caption")]
for index, files in enumerate(shards):
    with tarfile.open(os.path.join(FOLDER, f"webdataset-{index:06d}.tar"), "w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files:
            add(archive, name, content)
names = [f"webdataset-{0 if n < 3 else 1:06d}/{n:06d}.png" for n in range(5)]
samples["webdataset"] = described(labels, images, names)

with open(os.path.join(FOLDER, "samples.json"), "w") as file:
    json.dump(samples, file, indent=1)
    file.write("\n")
