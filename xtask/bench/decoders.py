"""What crates/vision/examples/decode_bench.rs does, with Pillow and with torchvision, for `cargo xtask bench data`.

    decoders.py FOLDER SIDE COUNT

Prints one JSON object a turn: the pictures a second of each, on one core.
"""

import json
import sys
import time
from pathlib import Path

import torch
from PIL import Image
from torchvision.io import ImageReadMode, decode_jpeg, read_file
from torchvision.transforms.v2.functional import resize


def main():
    folder, side, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    files = [str(file) for file in Path(folder).iterdir()]
    torch.set_num_threads(1)

    def pillow(file):
        return Image.open(file).convert("RGB").resize((side, side), Image.Resampling.BILINEAR)

    def torchvision(file):
        return resize(decode_jpeg(read_file(file), ImageReadMode.RGB), [side, side], antialias=True)

    for turn in range(count + 1):
        rates = {"Pillow": rate(pillow, files), "torchvision": rate(torchvision, files)}
        if turn > 0:
            print(json.dumps(rates))


def rate(once, files):
    began = time.perf_counter()
    for file in files:
        once(file)
    return len(files) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
