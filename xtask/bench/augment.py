"""Measures augmentation beside albumentations and torchvision. Driven by `cargo xtask bench augment`.

    augment.py CONFIG       CONFIG is JSON: `augment`, our program, and `augment_peers`, the command line of theirs

Prints one JSON object a line for each figure: `id`, `ours`, `peer` (the better of both) and `beside` (which one), or
`id` and `error`. Figures are pictures a second on one core, 224 x 224 RGB, the same pictures for all. All take
turns, and a figure is the best of its turns: what else the machine does can only slow one down.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

TURNS = 12
SECONDS = 0.15  # a turn


class Worker:
    """A program that reads lines `NAME SECONDS` and answers each with JSON."""

    def __init__(self, argv):
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, name):
        self.process.stdin.write(f"{name} {SECONDS}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.process.args[0]} ended while it measured {name}")
        return json.loads(answer)


def row(name, ours, peers):
    """Our pictures a second, and those of the better peer."""
    mine, theirs = [], {}
    for _ in range(TURNS):
        mine.append(ours.ask(name))
        for peer, rate in (peers.ask(name) if peers else {}).items():
            theirs.setdefault(peer, []).append(rate)
    figure = {"ours": max(mine), "peer": None}
    if theirs:
        best = max(theirs, key=lambda peer: max(theirs[peer]))
        figure |= {"peer": max(theirs[best]), "beside": best}
    return figure


def cores(ours):
    """The training pipeline on all cores, beside as many times one core."""
    pairs = [(ours.ask("training_all_cores"), ours.ask("training_each_core")) for _ in range(TURNS)]
    return {"ours": max(together for together, _ in pairs), "peer": max(alone for _, alone in pairs)}


ROWS = [
    "hflip", "rotate", "resize", "resized_crop", "affine", "perspective", "color_jitter", "blur", "erasing", "elastic",
    "normalize", "training",
]


def main():
    config = json.loads(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        pictures = str(Path(folder) / "pictures.rgb")
        ours = Worker([config["augment"], pictures])  # which makes the pictures
        ours.ask("hflip")
        peers = config["augment_peers"] and Worker([*config["augment_peers"], pictures])
        for name in ROWS:
            try:
                figure = row(name, ours, peers)
            except RuntimeError as error:
                figure = {"error": str(error)}
            print(json.dumps({"id": name, **figure}), flush=True)
        print(json.dumps({"id": "cores", **cores(ours)}), flush=True)


if __name__ == "__main__":
    main()
