"""Writes bilinear-resizes.csv: hashes of resized images, made by Pillow.

    python3 make_resize_fixtures.py > bilinear-resizes.csv

A row: offset of the image's bytes in the hash sequence below; width and height; box x, y, width, height; resized width
and height; FNV-1a hash of the result. Each is made by two calls, along x and then along y, because newer versions of
Pillow choose the order of the two passes by the aspect ratio.
"""

import random
import sys

from PIL import Image, __version__

from make_resize_image import fnv1a, image

draw = random.Random(20240501)
print("offset,width,height,x,y,boxWidth,boxHeight,outWidth,outHeight,hash")
for trial in range(200):
    offset = draw.randrange(1 << 20)
    width, height = draw.randint(1, 90), draw.randint(1, 90)
    box = (0, 0, width, height)
    if trial % 2:
        box_width, box_height = draw.randint(1, width), draw.randint(1, height)
        x, y = draw.randint(0, width - box_width), draw.randint(0, height - box_height)
        box = (x, y, x + box_width, y + box_height)
    out_width, out_height = draw.randint(1, 80), draw.randint(1, 80)
    part = image(offset, width, height).crop(box)
    part = part.resize((out_width, part.height), Image.BILINEAR)
    part = part.resize((out_width, out_height), Image.BILINEAR)
    values = [offset, width, height, box[0], box[1], box[2] - box[0], box[3] - box[1], out_width, out_height]
    print(",".join(map(str, values)) + f",{fnv1a(part.tobytes()):016x}")
print(f"made with Pillow {__version__}", file=sys.stderr)
