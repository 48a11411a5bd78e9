"""Measures grading beside nbgrader with evcxr_jupyter. Driven by `cargo xtask bench grade`.

    grade.py CONFIG        CONFIG is JSON: `ours` and `evcxr` are kernels' command lines, `nbgrader` is a Python

Prints one JSON object a line for each figure: `id`, `ours`, `peer`, or `id` and `error`. nbgrader grades five
submissions, and twenty times its time stands beside ours for a hundred.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SUBMISSIONS = 100
PEERS_SUBMISSIONS = 5
EXERCISES = 5

SOURCE = """# Bench
""" + "".join(
    f"""
```rust id="e{n}" kind="answer"
fn f{n}(x: i64) -> i64 {{
    // BEGIN SOLUTION
    x * {n} + 1
    // END SOLUTION
}}
```

```rust id="e{n}-tests" kind="tests" points=1
assert_eq!(f{n}(2), {2 * n + 1});
```
"""
    for n in range(EXERCISES)
)


class Course:
    """A folder with submissions: copies with small differences, as learners' are."""

    def __init__(self, root, program, stamp):
        self.root, self.program = root, program
        self.source = root / "week.md"
        self.source.write_text(SOURCE.replace("# Bench", f"# Bench {stamp}"))
        self.cvstudy("release", self.source, "--output", root / "out", "--nbgrader", root)
        self.released = json.loads((root / "out" / "week.ipynb").read_text())
        self.stamp = stamp

    def cvstudy(self, *arguments):
        environment = {**os.environ, "CARGO": "true"}
        subprocess.run([self.program, *map(str, arguments)], check=True, capture_output=True, env=environment)

    def hand_in(self, count, kernel=None):
        for student in range(count):
            notebook = json.loads(json.dumps(self.released))
            for n in range(EXERCISES):
                cell = next(cell for cell in notebook["cells"] if cell["id"] == f"e{n}")
                # A third writes it one way, a third another, and the rest each in a way of their own. The stamp keeps
                # cells of earlier runs out of it.
                ways = [f"x * {n} + 1", f"1 + {n} * x", f"let y = x * {n}; y + 1 + {student} - {student}"]
                cell["source"] = f"fn f{n}(x: i64) -> i64 {{ let _ = {self.stamp}_u64; {ways[student % 3]} }}"
            if kernel:
                notebook["metadata"]["kernelspec"] = {"name": kernel, "language": "rust", "display_name": kernel}
            folder = self.root / "submitted" / f"student{student:03}" / "week"
            folder.mkdir(parents=True)
            (folder / "week.ipynb").write_text(json.dumps(notebook))

    def grade(self, source=None):
        """Seconds, seconds of processor time, and cells compiled."""
        began, used = time.perf_counter(), processor_time()
        self.cvstudy("grade", self.root, "--source", source or self.source, "--output-dir", self.root / "ours")
        took, used = time.perf_counter() - began, processor_time() - used
        results = [json.loads(file.read_text()) for file in self.root.glob("ours/results/*/week/week.json")]
        assert len(results) == SUBMISSIONS, f"{len(results)} results"
        full = [result for result in results if sum(score["auto"] for score in result["scores"]) == EXERCISES]
        assert len(full) == SUBMISSIONS, "every submission is right"
        return took, used, sum(result["compiled"] for result in results)


def processor_time():
    """What all processes took that were waited for, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def peers_seconds(config, stamp):
    """What nbgrader with evcxr_jupyter takes for each submission: seconds, and seconds of processor time."""
    if not (config["evcxr"] and config["nbgrader"]):
        return None, None
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        course = Course(root, config["ours"][0], stamp)
        spec = root / "jupyter" / "kernels" / "evcxr"
        spec.mkdir(parents=True)
        argv = [word.replace("FILE", "{connection_file}") for word in config["evcxr"]]
        (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "evcxr", "language": "rust"}))
        for notebook in (root / "source").glob("*/*.ipynb"):
            # evcxr takes a cell that begins with a colon for a command.
            fields = json.loads(notebook.read_text().replace("::std::assert_eq!", "assert_eq!"))
            fields["metadata"]["kernelspec"] = {"name": "evcxr", "language": "rust", "display_name": "evcxr"}
            notebook.write_text(json.dumps(fields))
        course.hand_in(PEERS_SUBMISSIONS, kernel="evcxr")
        path = f"{Path(config['nbgrader']).parent}:{os.environ['PATH']}"
        environment = {**os.environ, "JUPYTER_PATH": str(root / "jupyter"), "PATH": path}
        nbgrader = [config["nbgrader"], "-m", "nbgrader"]
        run = lambda *words: subprocess.run([*nbgrader, *words], cwd=root, check=True, capture_output=True, env=environment)
        run("generate_assignment", "week")
        began, used = time.perf_counter(), processor_time()
        run("autograde", "week")
        return (time.perf_counter() - began) / PEERS_SUBMISSIONS, (processor_time() - used) / PEERS_SUBMISSIONS


def main():
    config = json.loads(sys.argv[1])
    stamp = time.time_ns()
    try:
        with tempfile.TemporaryDirectory() as folder:
            course = Course(Path(folder), config["ours"][0], stamp)
            course.hand_in(SUBMISSIONS)
            ours, our_time, _ = course.grade()
            peer, peers_time, error = None, None, None
            try:
                peer, peers_time = peers_seconds(config, stamp)
            except subprocess.CalledProcessError as failure:
                error = f"the peer failed: {failure.stderr.decode(errors='replace')[-300:]}"
            print(json.dumps({"id": "grade_100", "ours": ours, "peer": peer and peer * SUBMISSIONS, "error": error}), flush=True)
            print(json.dumps({"id": "grade_time", "ours": our_time, "peer": peers_time and peers_time * SUBMISSIONS}), flush=True)
            changed = Path(folder) / "changed" / "week.md"
            changed.parent.mkdir()
            changed.write_text(course.source.read_text().replace("assert_eq!(f1(2), 3);", "assert_eq!(f1(4), 5);"))
            again, _, compiled = course.grade(changed)
            print(json.dumps({"id": "regrade", "ours": again, "peer": ours}), flush=True)
            print(json.dumps({"id": "regrade_compiled", "ours": compiled, "peer": None}), flush=True)
    except subprocess.CalledProcessError as error:
        print(json.dumps({"id": "grade_100", "error": error.stderr.decode(errors="replace")[-300:]}))


if __name__ == "__main__":
    main()
