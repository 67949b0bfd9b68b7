"""Writes color-changes.csv: hashes of images whose colours were changed, made by Pillow as torchvision's ColorJitter and
RandomGrayscale call it.

    python3 make_color_changes.py > color-changes.csv

A row: offset of the image's bytes in the hash sequence of make_resize_image.py; width and height; a mask that every byte goes through, so
that channels are equal more often; the changes in order, as name=factor; FNV-1a hash of the result. Factors are in single precision.
"""

import random
import sys

import numpy
from PIL import Image, ImageEnhance, __version__

from make_resize_image import fnv1a, image


def hue(picture, turn):
    """torchvision.transforms._functional_pil.adjust_hue."""
    h, s, v = picture.convert("HSV").split()
    values = numpy.array(h, dtype=numpy.uint8)
    values += numpy.int32(turn * 255).astype(numpy.uint8)
    return Image.merge("HSV", (Image.fromarray(values), s, v)).convert("RGB")


changes = {
    "brightness": lambda picture, factor: ImageEnhance.Brightness(picture).enhance(factor),
    "contrast": lambda picture, factor: ImageEnhance.Contrast(picture).enhance(factor),
    "saturation": lambda picture, factor: ImageEnhance.Color(picture).enhance(factor),
    "hue": hue,
    "gray": lambda picture, _: Image.merge("RGB", [picture.convert("L")] * 3),
}

draw = random.Random(20261127)
print("offset,width,height,mask,changes,hash")
for trial in range(240):
    offset = draw.randrange(1 << 20)
    width, height = draw.randint(1, 48), draw.randint(1, 48)
    mask = draw.choice([255, 255, 224, 192])
    names = [draw.choice(list(changes))] if trial < 120 else draw.sample(list(changes)[:4], 4)
    if trial % 10 == 9:
        names.append("gray")
    picture = Image.fromarray(numpy.asarray(image(offset, width, height)) & numpy.uint8(mask))
    words = []
    for name in names:
        factor = float(numpy.float32(draw.uniform(-0.5, 0.5) if name == "hue" else draw.uniform(0, 2)))
        picture = changes[name](picture, factor)
        words.append(f"{name}={factor!r}")
    print(f"{offset},{width},{height},{mask},{' '.join(words)},{fnv1a(picture.tobytes()):016x}")
print(f"made with Pillow {__version__}", file=sys.stderr)
