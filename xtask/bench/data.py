"""Figures of the data sets and the warehouse, for `cargo xtask bench data`.

Takes the configuration as one argument of JSON and prints one row of JSON a figure: {"id", "ours", "peer"}.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PICTURES = 2000

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


def row(name, ours, peer=None):
    print(json.dumps({"id": name, "ours": ours, "peer": peer, "error": None}), flush=True)


def main():
    config = json.loads(sys.argv[1])
    program = config["program"]
    python = config["peers"]
    with tempfile.TemporaryDirectory() as home:
        scenes = Path(home) / "scenes"
        make = [program, "data", "make", "scenes", "--to", scenes, "--train", "300", "--test", "23"]
        row("make", seconds(make) * PICTURES / (6 * 323 + 60))
        check = [program, "data", "check", scenes]
        ours = seconds(check)
        row("index", ours, cleanvision(python, scenes))
        # The second time nothing has changed.
        row("index_again", seconds(check))
    row("million", float(subprocess.check_output([config["million"], "1000000"])))


main()
