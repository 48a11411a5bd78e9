"""Hostile submissions, parts, resuming, leaks."""

import json
import os
import signal
import subprocess
import time
import unittest
from pathlib import Path

import corpus
import hostile
from course import PROGRAM, SOURCE, Course, points

LIMITS = ["--timeout", "15", "--memory", "3072", "--output", "4", "--disk", "64"]
SECRETS = ["hidden-marker", "-40", "HIDDEN TESTS", "scheme-marker", "MARK SCHEME", "of no values"]


def without_times(result):
    return {key: value for key, value in result.items() if key not in ("seconds", "compiled")}


class Pipeline(unittest.TestCase):
    def setUp(self):
        self.course = Course()
        self.addCleanup(self.course.close)

    def some(self, *names):
        everything = corpus.submissions(self.course.released)
        self.course.hand_in({name: everything[name] for name in names})

    def test_hostile_submissions_harm_nobody(self):
        home = Path(os.environ.get("CVSTUDY_HOME") or Path.home() / ".cache/cvstudy")
        cells = next((home / "cells").iterdir())
        evil = hostile.submissions(self.course.released, self.course.root, cells, SOURCE / "contract.md")
        only = os.environ.get("ONLY")
        if only:
            evil = {name: one for name, one in evil.items() if name in only.split(",")}
        self.course.hand_in({**evil, "bystander": corpus.solved(self.course.released)})
        self.course.grade(*LIMITS)
        results = self.course.results()
        self.assertFalse((self.course.root / "evil").exists())
        wrong = []
        for name in evil:
            _, wanted, word = hostile.HOSTILE[name]
            got, _ = points(results[name])["add-tests"]
            told = json.dumps([results[name]["verdicts"], results[name]["findings"], results[name]["refused"]])
            if got != wanted or word not in told:
                wrong.append(f"{name}: {got} points, wanted {wanted} and {word!r}\n  {told[:600]}")
        self.assertEqual(wrong, [], "\n".join(wrong))
        self.assertEqual(points(results["bystander"])["add-tests"], (2.0, False))

    def test_parts_put_together_are_the_whole(self):
        self.some("solved", "wrong", "mean-nan", "essay-written", "not-json", "result-half")
        self.course.grade()
        parts = []
        for k in (1, 2, 3):
            part = self.course.root / f"part{k}"
            options = ["--source", SOURCE / "contract.md", "--shard", f"{k}/3", "--output-dir", part]
            # A part that no student falls into says so.
            if self.course.cvstudy("grade", self.course.root, *options, check=False).returncode == 0:
                parts.append(part)
        self.assertGreater(len(parts), 1, "the students are spread over parts")
        whole = {name: without_times(result) for name, result in self.course.results().items()}
        for order, into in ((parts, "merged"), (parts[::-1] + parts, "merged-again")):
            into = self.course.root / into
            self.course.cvstudy("grade", "merge", into, *order, "--source", SOURCE / "contract.md")
            merged = {name: without_times(result) for name, result in self.course.results(into).items()}
            self.assertEqual(merged, whole)
            self.assertEqual((into / "grades.csv").read_text(), (self.course.ours / "grades.csv").read_text())

    def test_parts_of_different_versions_are_refused(self):
        self.some("solved")
        self.course.grade()
        other = self.course.root / "other"
        changed = self.course.root / "contract.md"
        changed.write_text((SOURCE / "contract.md").read_text().replace("points=2\n", "points=3\n"))
        self.course.cvstudy("grade", self.course.root, "--source", changed, "--output-dir", other)
        refused = self.course.cvstudy("grade", "merge", self.course.root / "merged", self.course.ours, other, "--source", changed, check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("another version", refused.stderr)

    def test_what_is_graded_stays_graded(self):
        # The last one waits for a file, so that it is under way when the grader is killed.
        data = self.course.root / "data"
        data.mkdir()
        waits = 'while !std::path::Path::new("../data/go").exists() { std::thread::sleep(std::time::Duration::from_millis(10)); } a + b'
        last = corpus.solved(self.course.released).write("add", corpus.ADD.format(waits))
        self.some("solved", "panics", "mean-first")
        self.course.hand_in({"wakes": last})
        options = ["--data", data, "--jobs", "1", "--timeout", "600"]
        command = [PROGRAM, "grade", self.course.root, "--source", SOURCE / "contract.md", "--output-dir", self.course.ours, *options]
        grader = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "CARGO": "true"})
        while len(self.course.results()) < 3 and grader.poll() is None:
            time.sleep(0.05)
        grader.send_signal(signal.SIGKILL)
        grader.wait()
        before = self.course.results()
        self.assertEqual(set(before), {"mean-first", "panics", "solved"})
        (data / "go").touch()
        self.course.grade(*options)
        after = self.course.results()
        self.assertEqual(set(after), {*before, "wakes"})
        for name, result in before.items():
            self.assertEqual(after[name], result, "it was not graded again")
        self.assertIn("0 graded in", self.course.grade(*options).stdout)

    def test_only_what_changed_is_compiled_again(self):
        self.some("solved", "wrong")
        self.course.grade()
        changed = self.course.root / "contract.md"
        changed.write_text((SOURCE / "contract.md").read_text().replace("assert_eq!(add(1, 2), 3);", "assert_eq!(add(1, 3), 4);"))
        self.course.cvstudy("grade", self.course.root, "--source", changed, "--output-dir", self.course.ours)
        for result in self.course.results().values():
            self.assertLessEqual(result["compiled"], 1, "the tests that changed, and nothing else")

    def test_nothing_hidden_reaches_a_learner(self):
        names = ["untouched", "solved", "wrong", "right-when-positive", "does-not-compile", "panics", "wrong-signature", "another-name", "loops", "mean-nan", "deleted-answer"]
        self.some(*names)
        self.course.grade("--timeout", "10")
        self.course.cvstudy("report", self.course.ours, "--source", SOURCE / "contract.md", "--gradescope")
        pages = list(self.course.ours.glob("feedback/*/contract/contract.html"))
        pages += list(self.course.ours.glob("gradescope/**/results.json"))
        self.assertEqual(len(pages), 2 * len(names))
        released = json.dumps(self.course.released)
        for text, place in [(page.read_text(), page) for page in pages] + [(released, "release")]:
            for secret in SECRETS:
                self.assertNotIn(secret, text, place)

    def test_points_by_hand_count(self):
        self.some("essay-written", "solved")
        self.course.grade()
        table = self.course.ours / "to-grade.csv"
        lines = table.read_text().splitlines()
        filled = [line.replace(",,,4,", ",,3.5,4,well put") if ",essay," in line else line for line in lines]
        table.write_text("\n".join(filled) + "\n")
        self.course.cvstudy("report", self.course.ours, "--source", SOURCE / "contract.md", "--manual", table)
        grades = json.loads((self.course.ours / "grades.json").read_text())
        mine = next(grade for grade in grades if grade["student"] == "essay-written")
        essay = next(cell for cell in mine["cells"] if cell["cell"] == "essay")
        self.assertEqual((essay["points"], essay["comment"]), (3.5, "well put"))
        self.assertIn("well put", (self.course.ours / "feedback/essay-written/contract/contract.html").read_text())


if __name__ == "__main__":
    unittest.main()
