"""Measures training beside PyTorch. Called by `cargo xtask bench train`, with its configuration as argument.

Prints one JSON object a figure. Both sides run in turns, each in a process of its own and with as many threads as
there are cores; the best step or epoch of each counts, for whatever else the machine does can only slow one down.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 3

# The same model, batch and optimiser as crates/train/examples/steps.rs; PyTorch's defaults otherwise.
PEER = """
import sys, time, torch, torchvision
model, side, batch, count = sys.argv[1], *map(int, sys.argv[2:])
net = getattr(torchvision.models, model)(num_classes=6)
images, labels = torch.randn(batch, 3, side, side), torch.randint(0, 6, (batch,))
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
for step in range(count + 2):
    began = time.perf_counter()
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(net(images), labels).backward()
    optimizer.step()
    if step >= 2:
        print(1e3 * (time.perf_counter() - began))
"""

# Of the data set of the course: pictures of 150 x 150 pixels, of each of six classes.
LOADED = (200, 1)
TRAINED = (60, 10)


def step_resnet18(config):
    return step(config, "resnet18", 64, 32)


def step_resnet50(config):
    return step(config, "resnet50", 64, 16)


def step_vgg11_bn(config):
    return step(config, "vgg11_bn", 64, 32)


def step(config, model, side, batch, count=8):
    """Milliseconds of a training step, ours and PyTorch's."""
    arguments = [model, str(side), str(batch), str(count)]
    commands = {"ours": [config["steps"]]}
    if config["torch"]:
        commands["peer"] = [config["torch"], "-c", PEER]
    found = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            found[name] += printed(command + arguments)
    return {name: min(times) for name, times in found.items()}


def loader_64(config):
    return loader(config, 64)


def loader_128(config):
    return loader(config, 128)


def loader(config, side):
    """Pictures a second, ours and those of PyTorch's DataLoader."""
    return epochs(config, "load", scenes(config, *LOADED), side, workers=(0, 1, 2, 4), best=max)


def epoch_resnet18(config):
    """Seconds of an epoch, ours and PyTorch's."""
    return epochs(config, "train", scenes(config, *TRAINED), 64, workers=(0, 1, 2), best=min)


def waiting(config):
    """The largest share of an epoch's training, in percent, that steps waited for data."""
    shares = printed([config["epoch"], "train", *scenes(config, *TRAINED), "64", "32", "3"])[1::2]
    return {"ours": 100 * max(shares)}


def epochs(config, what, folders, side, workers, best, batch=32, count=3):
    """The best epoch, ours and PyTorch's with what it does best with: what decodes, and how many workers."""
    arguments = [what, *folders, str(side), str(batch), str(count)]

    def ours():
        # `train` prints two numbers an epoch, of which the first is meant.
        return best(printed([config["epoch"], *arguments])[:: 2 if what == "train" else 1])

    mine = [ours()]
    if not config["torch"]:
        return {"ours": mine[0]}
    script = str(Path(__file__).with_name("epochs.py"))
    tried = {}

    def peer(kind, count):
        command = [config["torch"], "-B", script, *arguments, str(count), kind]
        tried.setdefault((kind, count), []).extend(printed(command))

    def leader():
        return best(tried, key=lambda choice: best(tried[choice]))

    for kind in ("pillow", "tensor", "torchvision"):
        peer(kind, 2)
    kind, _ = leader()
    for count in workers:
        if (kind, count) not in tried:
            peer(kind, count)
    for _ in range(ROUNDS - 1):
        mine.append(ours())
        peer(*leader())
    kind, count = leader()
    return {"ours": best(mine), "peer": best(tried[kind, count]), "beside": f"PyTorch, {kind}, {count} workers"}


def scenes(config, train, test):
    """Two folders with so many pictures of each class."""
    folder = Path(config["folder"]) / f"{train}-{test}"
    make = [config["program"], "data", "make", "scenes", "--to", folder, "--train", str(train), "--test", str(test)]
    subprocess.run(make, check=True, capture_output=True, text=True)  # what is there already is kept
    return [str(folder / part / part) for part in ("seg_train", "seg_test")]


def printed(command):
    """The numbers that a program prints."""
    # Both use all cores, as a learner's notebook does.
    environment = {**os.environ, "OMP_NUM_THREADS": str(os.cpu_count())}
    output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return [float(number) for number in output.stdout.split()]


FIGURES = (step_resnet18, step_resnet50, step_vgg11_bn, loader_64, loader_128, epoch_resnet18, waiting)


def main():
    config = json.loads(sys.argv[1])
    with tempfile.TemporaryDirectory() as config["folder"]:
        for figure in FIGURES:
            try:
                row = figure(config)
            except subprocess.CalledProcessError as error:
                row = {"error": error.stderr.strip().splitlines()[-1]}
            print(json.dumps({"id": figure.__name__, **row}), flush=True)


if __name__ == "__main__":
    main()
