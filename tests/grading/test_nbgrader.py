"""The same points as the real nbgrader, cell for cell; and its commands, end to end."""

import json
import os
import sqlite3
import unittest

import corpus
from course import Course, points

TIMEOUT = 20


class Nbgrader(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.course = Course()
        config = cls.course.root / "nbgrader_config.py"
        config.write_text(config.read_text().replace("timeout = 30", f"timeout = {TIMEOUT}"))
        cls.generated = cls.course.nbgrader("generate_assignment", "contract")
        cls.submissions = corpus.submissions(cls.course.released)
        only = os.environ.get("ONLY")
        if only:
            cls.submissions = {name: one for name, one in cls.submissions.items() if name in only.split(",")}
        # One submission of the kinds that it refuses ends nbgrader's whole run: those are handed in one by one.
        cls.faults = {name: one for name, one in cls.submissions.items() if name in corpus.FAULTS}
        cls.course.hand_in({name: one for name, one in cls.submissions.items() if name not in cls.faults})

    @classmethod
    def tearDownClass(cls):
        cls.course.close()

    def test_the_release_is_nbgraders(self):
        theirs = json.loads((self.course.root / "release/contract/contract.ipynb").read_text())
        ours = self.course.released
        for notebook in (theirs, ours):
            # The name and version of the notebook, which nbgrader knows nothing of.
            notebook["metadata"] = {k: v for k, v in notebook["metadata"].items() if k != "cvstudy"}
            for cell in notebook["cells"]:
                cell["source"] = "".join(cell["source"])
        self.assertEqual(theirs["metadata"], ours["metadata"])
        for one, other in zip(theirs["cells"], ours["cells"], strict=True):
            self.assertEqual(one, other)

    def test_points_are_nbgraders(self):
        self.course.nbgrader("autograde", "contract")
        for name, one in self.faults.items():
            self.course.hand_in({name: one})
            self.course.nbgrader("autograde", "contract", "--student", name, check=False)
        self.course.grade("--timeout", TIMEOUT)
        ours = self.course.results()
        theirs = read_gradebook(self.course.root)
        self.assertEqual(set(ours), set(self.submissions))
        wrong, gone = [], []
        for name in self.submissions:
            refused = not (self.course.root / "autograded" / name).exists()
            theirs_now = "refused" if refused else theirs[name]
            same = theirs_now == points(ours[name])
            if not same and name not in corpus.FAULTS:
                wrong.append(f"{name}:\n  nbgrader {theirs_now}\n  ours     {points(ours[name])}")
            if same and name in corpus.FAULTS:
                gone.append(name)
        self.assertEqual(wrong, [], "\n".join(wrong))
        self.assertEqual(gone, [], "nbgrader does as we do here: no fault")
        if not os.environ.get("ONLY"):
            self.assertGreaterEqual(len(self.submissions), 60)
        self.their_other_commands()

    def their_other_commands(self):
        student = sorted(set(self.submissions) - set(corpus.FAULTS))[0]
        self.course.nbgrader("generate_feedback", "contract", "--student", student)
        feedback = self.course.root / "feedback" / student / "contract" / "contract.html"
        self.assertIn("contract", feedback.read_text())
        said = self.course.nbgrader("validate", self.course.root / "release/contract/contract.ipynb")
        # Three tests, and the two cells that are nothing but the stub.
        self.assertIn("VALIDATION FAILED ON 5 CELL(S)", said.stdout)


def read_gradebook(root):
    database = sqlite3.connect(root / "gradebook.db")
    rows = database.execute(
        """SELECT student_id, base_cell.name, auto_score, needs_manual_grade FROM grade
           JOIN base_cell ON base_cell.id = grade.cell_id
           JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
           JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id"""
    )
    grades = {}
    for student, cell, score, needs_manual in rows:
        grades.setdefault(student, {})[cell] = (score or 0.0, bool(needs_manual))
    return grades


if __name__ == "__main__":
    unittest.main()
