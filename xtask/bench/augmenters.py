"""The peers of `augment.py`: albumentations (OpenCV) and torchvision v2 (8-bit tensors), one core each.

    augmenters.py FILE      FILE holds raw pictures, 224 x 224 RGB, one after the other

Reads lines `NAME SECONDS` and answers each with JSON: the pictures a second of both.

All do the same work: every parameter that differs between the libraries' defaults, or is no default of ours
(`crates/vision/examples/augment_bench.rs`), is named here.
"""

import json
import os
import sys
import time

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # no look into the network

import albumentations as A
import cv2
import numpy as np
import torch
from torchvision.transforms import v2 as T

SIDE = 224
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
BILINEAR = T.InterpolationMode.BILINEAR

NORMALIZE = [T.ToDtype(torch.float32, scale=True), T.Normalize(MEAN, STD)]
CROP = {"scale": (0.08, 1.0), "ratio": (3 / 4, 4 / 3)}
# One black rectangle.
ERASED = {"scale": (0.02, 0.33), "ratio": (0.3, 3.3)}
# Torchvision and we draw a corner's distance evenly up to a quarter of the side. Albumentations takes the size of a
# normal number: this deviation has the same mean.
CORNERS = 0.125 / np.sqrt(2 / np.pi)
PIPELINES = {
    "hflip": (A.HorizontalFlip(p=1), T.RandomHorizontalFlip(1.0)),
    "rotate": (
        A.Rotate(limit=(15, 15), interpolation=cv2.INTER_LINEAR, p=1),
        T.RandomRotation((15, 15), interpolation=BILINEAR),
    ),
    "resize": (A.Resize(96, 96, interpolation=cv2.INTER_LINEAR), T.Resize((96, 96), antialias=True)),
    "resized_crop": (
        A.RandomResizedCrop(size=(128, 128), **CROP, interpolation=cv2.INTER_LINEAR, p=1),
        T.RandomResizedCrop(128, **CROP, antialias=True),
    ),
    "affine": (
        A.Affine(
            scale=(0.9, 1.1),
            translate_percent={"x": (-0.1, 0.1), "y": (-0.1, 0.1)},
            rotate=(-15, 15),
            shear={"x": (-5, 5), "y": (0, 0)},
            interpolation=cv2.INTER_LINEAR,
            p=1,
        ),
        T.RandomAffine(15, (0.1, 0.1), (0.9, 1.1), 5, interpolation=BILINEAR),
    ),
    "perspective": (
        A.Perspective(scale=(CORNERS, CORNERS), keep_size=True, interpolation=cv2.INTER_LINEAR, p=1),
        T.RandomPerspective(0.5, p=1.0, interpolation=BILINEAR),
    ),
    "color_jitter": (
        A.ColorJitter((0.6, 1.4), (0.6, 1.4), (0.6, 1.4), (-0.1, 0.1), p=1),
        T.ColorJitter(0.4, 0.4, 0.4, 0.1),
    ),
    "blur": (A.GaussianBlur(blur_limit=(5, 5), sigma_limit=(0.1, 2.0), p=1), T.GaussianBlur(5, (0.1, 2.0))),
    "erasing": (A.Erasing(**ERASED, fill=0, p=1), T.RandomErasing(1.0, **ERASED, value=0)),
    "elastic": (
        A.ElasticTransform(alpha=50, sigma=5, interpolation=cv2.INTER_LINEAR, approximate=False, same_dxdy=False, p=1),
        T.ElasticTransform(50.0, 5.0, interpolation=BILINEAR),
    ),
    "normalize": (A.Normalize(MEAN, STD), T.Compose(NORMALIZE)),
    "training": (
        A.Compose([
            A.RandomResizedCrop(size=(128, 128), **CROP, interpolation=cv2.INTER_LINEAR, p=1),
            A.HorizontalFlip(p=0.5),
            A.ColorJitter((0.8, 1.2), (0.8, 1.2), (0.8, 1.2), (-0.05, 0.05), p=1),
            A.Normalize(MEAN, STD),
        ]),
        T.Compose([
            T.RandomResizedCrop(128, **CROP, antialias=True),
            T.RandomHorizontalFlip(0.5),
            T.ColorJitter(0.2, 0.2, 0.2, 0.05),
            *NORMALIZE,
        ]),
    ),
}


def rate(once, pictures, seconds):
    """Pictures a second."""
    for picture in pictures[:2]:
        once(picture)
    done, begin = 0, time.perf_counter()
    while (took := time.perf_counter() - begin) < seconds:
        for picture in pictures[done % len(pictures):][:8]:
            once(picture)
            done += 1
    return done / took


def main():
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    pictures = np.fromfile(sys.argv[1], np.uint8).reshape(-1, SIDE, SIDE, 3)
    arrays = [picture.copy() for picture in pictures]
    tensors = [torch.from_numpy(picture).permute(2, 0, 1).contiguous() for picture in arrays]
    for line in sys.stdin:
        name, seconds = line.split()
        albumentations, torchvision = PIPELINES[name]
        print(json.dumps({
            "albumentations": rate(lambda picture: albumentations(image=picture), arrays, float(seconds)),
            "torchvision": rate(torchvision, tensors, float(seconds)),
        }), flush=True)


if __name__ == "__main__":
    main()
