"""Measures training beside PyTorch. Called by `cargo xtask bench train`, with its configuration as argument.

Prints one JSON object a figure. Both sides run in turns, each in a process of its own; the fastest step of each
counts, for whatever else the machine does can only slow a step down.
"""

import json
import os
import subprocess
import sys

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
            found[name] += milliseconds(command + arguments)
    return {name: min(times) for name, times in found.items()}


def milliseconds(command):
    # Both use all cores, as a learner's notebook does.
    environment = {**os.environ, "OMP_NUM_THREADS": str(os.cpu_count())}
    output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return [float(line) for line in output.stdout.split()]


def main():
    config = json.loads(sys.argv[1])
    for figure in (step_resnet18, step_resnet50, step_vgg11_bn):
        try:
            row = figure(config)
        except subprocess.CalledProcessError as error:
            row = {"error": error.stderr.strip().splitlines()[-1]}
        print(json.dumps({"id": figure.__name__, **row}), flush=True)


if __name__ == "__main__":
    main()
