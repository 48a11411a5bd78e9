"""Figures of the data sets and the warehouse, for `cargo xtask bench data`.

Takes the configuration as one argument of JSON and prints one row of JSON a figure: {"id", "ours", "peer"}.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Pictures to train with and to test with of each of six classes, which with 60 without a class make 2,000 and 10,000,
# or almost.
SMALL = (300, 23)
LARGE = (1600, 56)

ROUNDS = 3

CLEANVISION = """
import sys, time
from cleanvision import Imagelab
start = time.time()
lab = Imagelab(data_path=sys.argv[1])
lab.find_issues(verbose=False)
print(time.time() - start)
"""


def seconds(command):
    start = time.time()
    # A check that finds something ends with 1.
    done = subprocess.run(command, stdout=subprocess.DEVNULL)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{command} failed")
    return time.time() - start


def cleanvision(python, folder):
    if python is None:
        return None
    done = subprocess.run([python, "-c", CLEANVISION, folder], capture_output=True, text=True)
    return float(done.stdout.split()[-1]) if done.returncode == 0 else None


def make(program, folder, train, test):
    """The command that makes so many pictures; what is there already is kept."""
    return [program, "data", "make", "scenes", "--to", folder, "--train", str(train), "--test", str(test)]


def decode(config, pictures, side):
    """Pictures a second that are read and resized on one core: ours, the better peer's, and which that is."""
    mine, theirs = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for number, picture in enumerate(pictures):
            os.symlink(picture, Path(folder) / f"{number}.jpg")
        arguments = [folder, str(side), "3"]
        peers = [config["peers"], "-B", Path(__file__).with_name("decoders.py")]
        for _ in range(ROUNDS):
            mine += map(float, lines([config["decode"], *arguments]))
            for rates in lines([*peers, *arguments]) if config["peers"] else []:
                for peer, rate in json.loads(rates).items():
                    theirs[peer] = max(rate, theirs.get(peer, 0))
    best = max(theirs, key=theirs.get, default=None)
    return {"ours": max(mine), "peer": theirs.get(best), "beside": best}


def lines(command):
    return subprocess.check_output(command, text=True).splitlines()


def row(name, ours, peer=None, beside=None):
    print(json.dumps({"id": name, "ours": ours, "peer": peer, "beside": beside, "error": None}), flush=True)


def main():
    config = json.loads(sys.argv[1])
    program = config["program"]
    python = config["peers"]
    with tempfile.TemporaryDirectory() as home:
        scenes = Path(home) / "scenes"
        row("make", seconds(make(program, scenes, *SMALL)))
        row("decode", **decode(config, sorted(scenes.glob("seg_train/*/*/*.jpg")), 64))
        row("decode_photo", **decode(config, 8 * [config["photo"]], 224))
        subprocess.run(make(program, scenes, *LARGE), stdout=subprocess.DEVNULL, check=True)
        check = [program, "data", "check", scenes]
        ours = seconds(check)
        row("index", ours, cleanvision(python, scenes))
        # The second time nothing has changed.
        row("index_again", seconds(check))
    row("million", float(subprocess.check_output([config["million"], "1000000"])))


main()
