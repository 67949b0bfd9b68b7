"""Writes decoded_images.json: what Pillow decodes from small image files and from named files of the shared data.

    python make_decoded_images.py PATH_OF_THE_SHARED_DATA

Checksums are CRC-64/XZ over the bytes of convert("RGB"). Made with Pillow 13.0.0, libjpeg-turbo 3.2.0.
"""

import base64
import io
import json
import os
import sys
import tarfile

import numpy
from PIL import Image

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


def decoded(content):
    image = Image.open(io.BytesIO(content))
    if image.mode == "I;16":  # Pillow clips 16 bits; here the high byte counts
        image = Image.fromarray((numpy.asarray(image) >> 8).astype(numpy.uint8))
    rgb = image.convert("RGB")
    return {"width": rgb.width, "height": rgb.height, "checksum": crc64(rgb.tobytes())}


def picture(height, width, channels, seed):
    y, x, c = numpy.mgrid[0:height, 0:width, 0:channels]
    noise = numpy.random.default_rng(seed).integers(0, 60, (height, width, channels))
    return ((x * 9 + y * 5 + c * 70 + noise) % 256).astype(numpy.uint8)


def encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


rgb = Image.fromarray(picture(13, 17, 3, 1))
grey = Image.fromarray(picture(13, 17, 1, 2)[:, :, 0])
rgba = Image.fromarray(picture(13, 17, 4, 3), "RGBA")
deep = Image.fromarray(picture(13, 17, 1, 4)[:, :, 0].astype(numpy.uint16) * 257 + 3)
small = {
    "rgb 4:4:4.jpg": encoded(rgb, "JPEG", quality=90, subsampling=0),
    "rgb 4:2:2.jpg": encoded(rgb, "JPEG", quality=75, subsampling=1),
    "rgb 4:2:0.jpg": encoded(rgb, "JPEG", quality=75, subsampling=2),
    "progressive.jpg": encoded(rgb, "JPEG", quality=75, progressive=True),
    "grey.jpg": encoded(grey, "JPEG", quality=75),
    "rgb.png": encoded(rgb, "PNG"),
    "grey.png": encoded(grey, "PNG"),
    "one bit.png": encoded(grey.convert("1"), "PNG"),
    "palette.png": encoded(rgb.quantize(11), "PNG"),
    "alpha.png": encoded(rgba, "PNG"),
    "grey alpha.png": encoded(rgba.convert("LA"), "PNG"),
    "grey 16 bits.png": encoded(deep, "PNG"),
}
cmyk = encoded(rgb.convert("CMYK"), "JPEG")

named = {
    "cifar10/cifar10-jpeg-test.tar.gz": ["cifar10/test/airplane/0000.jpg", "cifar10/test/truck/0999.jpg"],
    "svhn/svhn-train-first600-png.tar.gz": ["svhn/train/000000_1.png", "svhn/train/000599_*.png"],
    "cifar100/cifar100-test-png.tar.gz": ["cifar100/test/mountain/0001.png"],
    "tin/tiny-imagenet-200-val.tar.gz": ["tin/val/images/val_0.JPEG", "grey"],
    "texture/dtd-sample-600.tar": ["texture/banded/banded_0002.jpg", "texture/crystalline/*.jpg", "grey"],
    "scenes/intel-scenes-test-1080.tar.gz": ["scenes/buildings/20057.jpg"],
    "imagenet/imagenet-sample-250.tar": ["imagenet_sample/n01440764_tench.JPEG"],
}


def find(archive, members, wanted):
    """A member by its name, by a name with a star, or the first greyscale JPEG."""
    if wanted == "grey":
        for name, member in members.items():
            if name.lower().endswith((".jpg", ".jpeg")):
                content = archive.extractfile(member).read()
                if Image.open(io.BytesIO(content)).mode == "L":
                    return name, content
    head, _, tail = wanted.partition("*")
    name = next(n for n in members if n == wanted or ("*" in wanted and n.startswith(head) and n.endswith(tail)))
    return name, archive.extractfile(members[name]).read()


result = {
    "cmyk": base64.b64encode(cmyk).decode(),
    "small": [
        {"name": name, "file": base64.b64encode(content).decode(), **decoded(content)}
        for name, content in small.items()
    ],
    "shared": [],
}
for path, wanted in named.items():
    with tarfile.open(os.path.join(sys.argv[1], path)) as archive:
        members = {m.name: m for m in archive.getmembers() if m.isfile()}
        for one in wanted:
            name, content = find(archive, members, one)
            result["shared"].append({"archive": path, "name": name, **decoded(content)})
with open(os.path.join(os.path.dirname(__file__), "decoded_images.json"), "w") as file:
    json.dump(result, file, indent=1)
    file.write("\n")
