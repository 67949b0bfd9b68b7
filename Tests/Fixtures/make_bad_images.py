"""Writes bad_images.json: image files that are odd or damaged, with Pillow's pixels where there are any.

    python make_bad_images.py

Checksums are CRC-64/XZ over the bytes of convert("RGB"). Made with Pillow 13.0.0.
"""

import base64
import io
import json
import os
import struct
import zlib

import numpy
from PIL import Image

FOLDER = os.path.dirname(os.path.abspath(__file__))
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


def picture(channels, seed):
    y, x, c = numpy.mgrid[0:19, 0:23, 0:channels]
    noise = numpy.random.default_rng(seed).integers(0, 60, (19, 23, channels))
    return ((x * 9 + y * 5 + c * 70 + noise) % 256).astype(numpy.uint8)


def encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, depth, colour, rows):
    header = struct.pack(">2I5B", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


rgb = Image.fromarray(picture(3, 1))
grey = Image.fromarray(picture(1, 2)[:, :, 0])
cmyk = Image.fromarray(picture(4, 3), "CMYK")
deep = picture(3, 4).astype(">u2") * 257 + 3
y, x = numpy.mgrid[0:64, 0:96]
waves = [128 + 80 * numpy.sin(x / 9 + c) + 40 * numpy.cos(y / 7 - c) for c in range(3)]
noise = numpy.random.default_rng(8).normal(0, 8, (64, 96, 3))
photo = Image.fromarray(numpy.clip(numpy.stack(waves, -1) + noise, 0, 255).astype(numpy.uint8))
alpha = Image.fromarray(numpy.dstack([picture(3, 9), picture(1, 10)]), "RGBA")
frames = [Image.fromarray(picture(3, seed)) for seed in (5, 6, 7)]
exif = Image.Exif()
exif[0x0112] = 6  # turned by 90 degrees

jpeg = encoded(rgb, "JPEG", quality=80)
frame = jpeg.index(b"\xff\xc0") + 5
good = {
    "cmyk.jpg": encoded(cmyk, "JPEG", quality=85),
    "cmyk grey.jpg": encoded(grey.convert("CMYK"), "JPEG", quality=85),
    "grey.jpg": encoded(grey, "JPEG", quality=85),
    "turned.jpg": encoded(rgb, "JPEG", quality=85, exif=exif),
    "rgb.png": encoded(rgb, "PNG"),
    "grey and alpha.png": encoded(grey.convert("LA"), "PNG"),
    "palette.png": encoded(rgb.quantize(16), "PNG"),
    "16 bits.png": png(23, 19, 16, 2, b"".join(b"\0" + row.tobytes() for row in deep)),
    "1 bit.png": encoded(grey.convert("1"), "PNG"),
    "photo.jpg": encoded(photo, "JPEG", quality=85),
    "photo restart.jpg": encoded(photo, "JPEG", quality=85, restart_marker_blocks=5),
    "photo optimised grey.jpg": encoded(photo.convert("L"), "JPEG", quality=85, optimize=True),
    "photo progressive.jpg": encoded(photo, "JPEG", quality=85, progressive=True),
    "lossy.webp": encoded(photo, "WEBP", quality=70),
    "lossless.webp": encoded(rgb, "WEBP", lossless=True),
    "alpha lossy.webp": encoded(alpha, "WEBP", quality=80),
    "alpha lossless.webp": encoded(alpha, "WEBP", lossless=True, exact=True),
}
bad = {
    "empty.jpg": b"",
    "zeros.jpg": bytes(500),
    "cut.jpg": jpeg[: len(jpeg) * 2 // 3],
    "header.jpg": jpeg[:40],
    "cut.png": encoded(rgb, "PNG")[:-400],
    "still.gif": encoded(rgb.quantize(16), "GIF"),
    "animated.gif": encoded(frames[0].quantize(16), "GIF", save_all=True, append_images=[f.quantize(16) for f in frames[1:]]),
    "animated.png": encoded(frames[0], "PNG", save_all=True, append_images=frames[1:]),
    "bomb.jpg": jpeg[:frame] + b"\xff\x00\xff\x00" + jpeg[frame + 4 :],
    "bomb.png": png(60000, 60000, 8, 2, bytes(1000)),
    "page.jpg": b"<!DOCTYPE html><html>404 Not Found</html>",
    "animated.webp": encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:]),
    "cut.webp": encoded(photo, "WEBP", quality=70)[:-9],
    "few bytes.jpg": jpeg[:frame] + b"\x20\x00\x20\x00" + jpeg[frame + 4 :],
}


def described(content):
    image = Image.open(io.BytesIO(content)).convert("RGB")
    return {
        "file": base64.b64encode(content).decode(),
        "width": image.width,
        "height": image.height,
        "checksum": crc64(image.tobytes()),
    }


with open(os.path.join(FOLDER, "bad_images.json"), "w") as file:
    fixtures = {
        "good": {name: described(content) for name, content in good.items()},
        "bad": {name: base64.b64encode(content).decode() for name, content in bad.items()},
    }
    json.dump(fixtures, file, indent=1)
    file.write("\n")
