"""A course folder for a test: released by our program, graded by it and by nbgrader."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = os.environ["CVSTUDY"]
SOURCE = Path(__file__).parent / "source"


class Course:
    """A course folder with one assignment, `contract`."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        self.ours = self.root / "ours"
        self.cvstudy("release", SOURCE / "contract.md", "--output", self.root / "out", "--nbgrader", self.root)
        self.released = json.loads((self.root / "out" / "contract.ipynb").read_text())

    def close(self):
        self.folder.cleanup()

    def cvstudy(self, *arguments, check=True):
        # What is tested is the program as it was built: it does not have cargo look again.
        environment = {**os.environ, "CARGO": "true"}
        done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, env=environment)
        if check and done.returncode != 0:
            raise AssertionError(f"cvstudy {arguments}\n{done.stdout}{done.stderr}")
        return done

    def hand_in(self, submissions, root=None):
        for name, one in submissions.items():
            one.put((root or self.root) / "submitted" / name / "contract" / "contract.ipynb")

    def grade(self, *options, into=None, source=None, check=True):
        words = ["--source", source or SOURCE / "contract.md", "--output-dir", into or self.ours]
        return self.cvstudy("grade", self.root, *words, *options, check=check)

    def results(self, into=None):
        """Our results by student."""
        files = sorted((into or self.ours).glob("results/*/contract/contract.json"))
        return {file.parent.parent.name: json.loads(file.read_text()) for file in files}

    def nbgrader(self, *arguments, check=True):
        command = [sys.executable, "-m", "nbgrader", *map(str, arguments)]
        done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, env=self.environment())
        if check and done.returncode != 0:
            raise AssertionError(f"nbgrader {arguments}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        return done

    def autograde(self, lanes):
        """Has nbgrader grade in several folders at once. A lane is its folder, students, and seconds for a cell."""
        script = Path(__file__).with_name("autograde.py")
        running = []
        for root, students, timeout in lanes:
            command = [sys.executable, script, "contract", str(timeout), *students]
            with (root / "said.txt").open("w") as said:
                running.append(subprocess.Popen(command, cwd=root, stdout=said, stderr=said, env=self.environment()))
        for process, (root, students, _) in zip(running, lanes, strict=True):
            process.wait()
            said = (root / "said.txt").read_text()
            told = sum(line.startswith('{"student"') for line in said.splitlines())
            if process.returncode != 0 or told != len(students):
                raise AssertionError(f"nbgrader graded {told} of {len(students)}\n{said[-4000:]}")

    def environment(self):
        """With our kernel among Jupyter's."""
        specs = self.root / "jupyter" / "kernels" / "cvstudy"
        if not specs.exists():
            specs.mkdir(parents=True)
            argv = [PROGRAM, "kernel", "--connection-file", "{connection_file}"]
            fields = {"argv": argv, "display_name": "cvstudy", "language": "rust", "interrupt_mode": "message"}
            (specs / "kernel.json").write_text(json.dumps(fields))
        # nbgrader calls a program of its environment by name.
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {**os.environ, "JUPYTER_PATH": str(self.root / "jupyter"), "CARGO": "true", "PATH": path}


def points(result):
    """Each cell's points and whether a person has to look, of one of our results."""
    return {score["id"]: (score["auto"] or 0.0, score["needs_manual"]) for score in result["scores"]}
