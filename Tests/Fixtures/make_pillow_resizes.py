"""Writes pillow-resizes.csv: hashes of 1,500 images resized by Pillow 9.5 in one call.

    pip install pillow==9.5.0 'numpy<2' && python3 make_pillow_resizes.py > pillow-resizes.csv

The columns are those of bilinear-resizes.csv. Half of the trials resize a box, a quarter keep the aspect ratio, as evaluation does, and a
tenth change one side only. Newer versions of Pillow choose the order of the two passes by the aspect ratio, so the version is checked.
"""

import random

from PIL import Image, __version__

from make_resize_image import fnv1a, image

if __version__ != "9.5.0":
    raise SystemExit(f"Pillow is {__version__}, expected 9.5.0")

draw = random.Random(20240502)
print("offset,width,height,x,y,boxWidth,boxHeight,outWidth,outHeight,hash")
for trial in range(1500):
    offset = draw.randrange(1 << 20)
    most = draw.choice([20, 60, 180])
    width, height = draw.randint(1, most), draw.randint(1, most)
    x, y, box_width, box_height = 0, 0, width, height
    if trial % 2:
        box_width, box_height = draw.randint(1, width), draw.randint(1, height)
        x, y = draw.randint(0, width - box_width), draw.randint(0, height - box_height)
    out_width, out_height = draw.randint(1, 120), draw.randint(1, 120)
    if trial % 4 == 2:
        size = draw.randint(1, 80)
        short = min(box_width, box_height)
        out_width, out_height = max(size * box_width // short, 1), max(size * box_height // short, 1)
        if max(out_width, out_height) > 400:
            out_width, out_height = min(out_width, 400), min(out_height, 400)
    elif trial % 10 == 0:
        out_width = box_width
    elif trial % 10 == 5:
        out_height = box_height
    part = image(offset, width, height).crop((x, y, x + box_width, y + box_height))
    part = part.resize((out_width, out_height), Image.BILINEAR)
    values = [offset, width, height, x, y, box_width, box_height, out_width, out_height]
    print(",".join(map(str, values)) + f",{fnv1a(part.tobytes()):016x}")
