"""What a learner and a course's author have: `:check` and its relatives, `status`, `watch`, `reset`, `course check`."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import corpus
from course import PROGRAM, SOURCE

# A busy machine is no reason for a cell to fail.
PATIENT = ["--timeout", "600"]


class Learner(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        self.notebook = self.root / "contract.ipynb"
        source = self.root / "source"
        source.mkdir()
        self.source = Path(shutil.copy(SOURCE / "contract.md", source))
        self.cvstudy("release", self.source)
        self.released = json.loads(self.notebook.read_text())

    def cvstudy(self, *arguments, fails=False):
        # Progress is this test's own: others may run beside it. Compiled cells are everybody's.
        environment = {**os.environ, "CARGO": "true", "XDG_STATE_HOME": str(self.root / "state")}
        done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, env=environment, cwd=self.root)
        self.assertEqual(done.returncode != 0, fails, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def say(self, *commands, add="a + b"):
        """What commands say in the learner's notebook, one text each."""
        one = corpus.Submission(self.released).write("add", corpus.ADD.format(add))
        one.write("mean", corpus.MEAN.format("values.iter().sum::<f64>() / values.len().max(1) as f64"))
        for command in commands:
            one.insert(len(one.cells), command)
        self.notebook.write_text(one.text())
        self.cvstudy("run", "--allow-errors", self.notebook, "--output", self.root / "executed")
        cells = json.loads((self.root / "executed/contract.ipynb").read_text())["cells"]
        said = []
        for cell in cells[-len(commands):]:
            texts = [output.get("text") or output.get("traceback") or output["data"]["text/plain"] for output in cell["outputs"]]
            said.append("".join(line for text in texts for line in text))
        return said

    def test_an_exercise_is_checked_where_it_is_written(self):
        check, hint, more, solution, progress = self.say(":check add", ":hint", ":hint 9", ":solution", ":progress")
        self.assertIn("passed", check)
        self.assertIn("2 of 2 points", check)
        self.assertIn("Two numbers become one.", hint)
        self.assertIn("has 1 hints", more)
        self.assertIn("not part of this notebook", solution)
        self.assertIn("add-tests                passed", progress)

    def test_a_wrong_answer_is_told_why(self):
        check, unknown = self.say(":check add", ":check nothing", add="a - b")
        self.assertIn("wrong value", check)
        self.assertIn("0 of 2 points", check)
        self.assertIn("add, probe, mean", unknown)

    def test_what_is_written_to_stderr_fails_here_as_well(self):
        (check,) = self.say(":check add", add='eprintln!("adding"); a + b')
        self.assertIn("wrote to stderr", check)
        self.assertIn("0 of 2 points", check)

    def test_hints_are_asked_for_by_name(self):
        named, number, next_one, gone, odd = self.say(":hint add", ":hint mean 1", ":hint", ":hint add 2", ":hint add one")
        self.assertIn("Hint 1 of 1 for add: Two numbers", named)
        self.assertIn("Hint 1 of 1 for mean: What is the mean", number)
        self.assertIn("Hint 1 of 1 for mean", next_one)
        self.assertIn("`add` has 1 hints", gone)
        self.assertIn("`:hint EXERCISE 2`", odd)

    def test_other_notebooks_of_the_folder_are_not_checked(self):
        self.notebook.write_text(corpus.solved(self.released).text())
        self.cvstudy("reset", self.notebook)
        shutil.copy(self.notebook, self.root / "another.ipynb")
        check, progress = self.say(":check", ":progress")
        self.assertEqual(check.count("add-tests"), 1, check)
        self.assertIn("contract  [", progress)
        self.assertNotIn("another", progress)
        self.assertNotIn("mine-1", self.cvstudy("status", self.root))

    def test_a_solution_is_seen_after_success(self):
        # The hidden half point of `mean` is not part of the released tests.
        before, check, _ = self.say(":solution mean", ":check mean", ":solution")
        self.assertIn("once your own passes", before)
        self.assertIn("of two values", check)

    def test_watching_and_status_know_the_same(self):
        self.notebook.write_text(corpus.solved(self.released).text())
        self.assertIn("passed", self.cvstudy("watch", "--once", *PATIENT, self.notebook))
        self.assertIn("add-tests                passed", self.cvstudy("status", self.notebook))

    def test_a_reset_keeps_what_was_written(self):
        self.notebook.write_text(corpus.solved(self.released).text())
        mine = self.notebook.read_text()
        self.cvstudy("reset", self.notebook, "add")
        self.assertEqual((self.root / "contract.mine-1.ipynb").read_text(), mine)
        sources = {cell["id"]: "".join(cell["source"]) for cell in json.loads(self.notebook.read_text())["cells"]}
        self.assertIn("todo!()", sources["add"])
        self.assertNotIn("todo!()", sources["mean"])

    def test_a_good_course_passes_its_check(self):
        self.assertIn("3 exercises, 6 wrong answers caught", self.cvstudy("course", "check", "--lenient", *PATIENT, "--budget", "3600", self.source))

    def test_what_an_exercise_lacks_is_named(self):
        text = self.source.read_text()
        text = text.replace("Two numbers become one.", "").replace("a + b\n    // END", "a - b\n    // END")
        text = text.replace('kind="mutant" name="gives the first"\nfn mean', 'id="loose"\nfn loose')
        text = text.replace('assert_eq!(mean(&[]), 0.0)', 'assert_eq!(1, 1)')
        text = text.replace("What is the mean of nothing?", '    assert_eq!(add(-40, 4), -36, "hidden-marker");')
        self.source.write_text(text)
        said = self.cvstudy("course", "check", *PATIENT, "--budget", "3600", self.source, fails=True)
        self.assertIn("is older than its source", said)
        self.assertIn("`add-tests` gives the solution 0 of 2 points", said)
        self.assertIn("learners get the hidden line", said)
        self.assertIn("`mean` keeps 1 wrong answers", said)
        self.assertIn('`mean-tests` does not catch the wrong answer "divides by zero"', said)

    def test_text_and_notebook_turn_into_each_other(self):
        into = self.root / "text"
        self.cvstudy("release", "--to-text", self.notebook, "--output", into)
        self.cvstudy("release", "--check", self.source)
        self.assertIn("YOUR CODE HERE", (into / "contract.md").read_text())


if __name__ == "__main__":
    unittest.main()
