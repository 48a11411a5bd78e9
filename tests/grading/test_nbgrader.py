"""The same points as the real nbgrader, cell for cell; and its commands, end to end."""

import json
import os
import shutil
import sqlite3
import unittest

import corpus
from course import Course, points

# Seconds for a cell: more than any needs on a busy machine, and fewer for cells that never end.
PATIENT = 600
SHORT = 15

# Submissions with a cell that never ends.
ENDLESS = {"loops"}


class Nbgrader(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.course = Course()
        cls.generated = cls.course.nbgrader("generate_assignment", "contract")
        cls.submissions = corpus.submissions(cls.course.released)
        only = os.environ.get("ONLY")
        if only:
            cls.submissions = {name: one for name, one in cls.submissions.items() if name in only.split(",")}

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
        theirs = self.theirs()
        self.course.hand_in(self.submissions)
        endless = sorted(ENDLESS & set(self.submissions))
        patient = [name for name in self.submissions if name not in ENDLESS]
        self.course.grade("--timeout", PATIENT, *students(patient))
        if endless:
            self.course.grade("--timeout", SHORT, *students(endless))
        ours = self.course.results()
        self.assertEqual(set(ours), set(self.submissions))
        wrong, gone = [], []
        for name in self.submissions:
            theirs_now = theirs[name]
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

    def theirs(self):
        """nbgrader's points for every submission, by cell, or "refused". Copies of the course are graded at once."""
        names = [name for name in self.submissions if name not in ENDLESS]
        cores = os.cpu_count() or 1
        parts = [(names[k::cores], PATIENT) for k in range(cores)] + [(sorted(ENDLESS & set(self.submissions)), SHORT)]
        lanes = []
        for k, (students, timeout) in enumerate(parts):
            root = self.course.root / "lanes" / str(k)
            ignore = shutil.ignore_patterns("lanes", "jupyter", "ours")
            shutil.copytree(self.course.root, root, ignore=ignore)
            self.course.hand_in({name: self.submissions[name] for name in students}, root)
            lanes.append((root, students, timeout))
        self.course.autograde(lanes)
        theirs = {}
        for root, students, _ in lanes:
            graded = read_gradebook(root)
            for name in students:
                refused = not (root / "autograded" / name).exists()
                theirs[name] = "refused" if refused else graded[name]
        return theirs

    def their_other_commands(self):
        student = sorted(set(self.submissions) - set(corpus.FAULTS))[0]
        self.course.nbgrader("autograde", "contract", "--student", student)
        self.course.nbgrader("generate_feedback", "contract", "--student", student)
        feedback = self.course.root / "feedback" / student / "contract" / "contract.html"
        self.assertIn("contract", feedback.read_text())
        said = self.course.nbgrader("validate", self.course.root / "release/contract/contract.ipynb")
        # Three tests, and the two cells that are nothing but the stub.
        self.assertIn("VALIDATION FAILED ON 5 CELL(S)", said.stdout)


def students(names):
    return [word for name in names for word in ("--student", name)]


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
