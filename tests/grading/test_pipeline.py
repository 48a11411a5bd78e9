"""Hostile submissions, parts, resuming, leaks."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import corpus
import hostile
from course import PROGRAM, SOURCE, Course, points
from nbgrader.api import Gradebook

LIMITS = ["--timeout", "15", "--memory", "1024", "--output", "4", "--disk", "64"]
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
        (home / "data").mkdir(exist_ok=True)
        evil = hostile.submissions(self.course.released, self.course.root, home, cells, SOURCE / "contract.md")
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
            self.course.grade("--shard", f"{k}/3", into=part)
            parts.append(part)
        self.assertGreater(sum((part / "results").exists() for part in parts), 1, "the students are spread over parts")
        whole = {name: without_times(result) for name, result in self.course.results().items()}
        for order, into in ((parts, "merged"), (parts[::-1] + parts, "merged-again")):
            into = self.course.root / into
            self.course.cvstudy("grade", "merge", into, *order, "--source", SOURCE / "contract.md")
            merged = {name: without_times(result) for name, result in self.course.results(into).items()}
            self.assertEqual(merged, whole)
            self.assertEqual((into / "grades.csv").read_text(), (self.course.ours / "grades.csv").read_text())

    def test_the_examples_for_clusters_work(self):
        self.some("solved", "wrong", "mean-nan")
        programs = self.course.root / "programs"
        programs.mkdir()
        (programs / "cvstudy").symlink_to(PROGRAM)
        course = str(self.course.root)
        examples = SOURCE.parents[2] / "crates/grade/examples"
        job = re.search(r"args:\n\s+- >\n((?: {14}.*\n)+)", (examples / "kubernetes.yaml").read_text())[1]
        job = " ".join(job.split()).replace("/course", course)
        slurm = lambda k: (["bash", examples / "slurm.sbatch", course], {"SLURM_ARRAY_TASK_ID": k, "SLURM_ARRAY_TASK_MAX": 2, "SLURM_CPUS_PER_TASK": 1})
        kubernetes = lambda k: (["sh", "-c", job], {"JOB_COMPLETION_INDEX": k})
        totals = []
        for example, numbers in ((slurm, (1, 2)), (kubernetes, range(8))):
            for k in numbers:
                words, variables = example(k)
                variables = {name: str(value) for name, value in variables.items()}
                environment = {**os.environ, "CARGO": "true", "PATH": f"{programs}:{os.environ['PATH']}", **variables}
                done = subprocess.run(words, capture_output=True, text=True, env=environment)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            parts = sorted((self.course.root / "parts").iterdir())
            self.assertEqual(len(parts), len(numbers))
            self.course.cvstudy("grade", "merge", self.course.root, *parts)
            totals.append((self.course.root / "grades.csv").read_text())
            for name in ("parts", "results"):
                shutil.rmtree(self.course.root / name)
        self.assertEqual(totals[0], totals[1])
        self.assertEqual(len(totals[0].splitlines()), 1 + 3)

    def test_a_part_without_anybody_is_no_failure(self):
        self.some("solved")
        said = [self.course.grade("--shard", f"{k}/2", into=self.course.root / f"part{k}").stdout for k in (1, 2)]
        self.assertEqual(sum("nobody is in this part" in text for text in said), 1, said)

    def test_a_bad_folder_stops_nobody_else(self):
        self.some("solved", "wrong")
        pit = corpus.solved(self.course.released)
        pit.make = hostile.pit
        self.course.hand_in({"pit": pit})
        # Also what cannot be graded at all leaves the reports to the others: here the file for the result is taken.
        taken = corpus.solved(self.course.released)
        self.course.hand_in({"taken": taken})
        (self.course.ours / "autograded/taken").mkdir(parents=True)
        (self.course.ours / "autograded/taken/contract").write_text("no folder")
        done = self.course.grade(check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("1 of 4 could not be graded", done.stderr)
        results = self.course.results()
        self.assertIn("nested more than", results["pit"]["refused"])
        self.assertEqual(points(results["solved"])["add-tests"], (2.0, False))
        table = (self.course.ours / "grades.csv").read_text()
        self.assertEqual(len(table.splitlines()), 1 + 3)
        self.assertIn("nested more than", (self.course.ours / "report-contract.html").read_text())

    def test_what_changes_beside_a_notebook_is_noticed(self):
        reads = 'std::fs::read_to_string("given.txt").map_or(0, |text| text.trim().parse().unwrap_or(0))'
        one = corpus.solved(self.course.released).write("add", corpus.ADD.format(f"a + b + {reads}"))
        one.beside = {"given.txt": "0", "timestamp.txt": "2026-11-23 21:00:00 UTC"}
        (self.course.root / "late.json").write_text('{"due": {"contract": "2026-11-24 00:00:00 UTC"}, "per_day": 0.5}')
        self.course.hand_in({"ada": one})

        def graded():
            said = self.course.grade().stdout
            total = json.loads((self.course.ours / "grades.json").read_text())[0]
            return "1 graded" in said, points(self.course.results()["ada"])["add-tests"][0], total["late_penalty"] > 0

        self.assertEqual(graded(), (True, 2.0, False))
        self.assertEqual(graded(), (False, 2.0, False))
        one.beside["timestamp.txt"] = "2026-11-24 21:00:00 UTC"
        self.course.hand_in({"ada": one})
        self.assertEqual(graded(), (False, 2.0, True), "late.json of the course holds, and the time is the new one")
        one.beside["given.txt"] = "1"
        self.course.hand_in({"ada": one})
        self.assertEqual(graded(), (True, 0.0, True))

    def test_a_merge_takes_what_was_graded_again(self):
        self.some("solved", "wrong")
        part, into = self.course.root / "part", self.course.root / "merged"
        merge = lambda: self.course.cvstudy("grade", "merge", into, part, "--source", SOURCE / "contract.md")
        self.course.grade(into=part)
        merge()
        everything = corpus.submissions(self.course.released)
        self.course.hand_in({"wrong": everything["solved"]})
        self.course.grade(into=part)
        merge()
        self.assertEqual(points(self.course.results(into)["wrong"])["add-tests"], (2.0, False))
        self.course.grade("--timeout", "600", "--student", "solved", into=part)
        refused = self.course.cvstudy("grade", "merge", into, part, "--source", SOURCE / "contract.md", check=False)
        self.assertIn("other limits", refused.stderr)

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

    def test_prose_is_no_reason_to_grade_again(self):
        self.some("solved")
        self.course.grade()
        changed = self.course.root / "contract.md"
        changed.write_text((SOURCE / "contract.md").read_text().replace("nbgrader reads that", "nbgrader takes that"))
        self.assertIn("0 graded in", self.course.grade(source=changed).stdout)

    def test_what_hidden_tests_pass_is_not_told_later(self):
        keeps = "static SEEN: std::sync::Mutex<Vec<i32>> = std::sync::Mutex::new(Vec::new());\n"
        one = corpus.solved(self.course.released).write("add", keeps + corpus.ADD.format("SEEN.lock().unwrap().push(a); a + b"))
        one.insert(one.at("add-tests") + 1, 'println!("seen {:?}", SEEN.lock().unwrap());')
        one.insert(len(one.cells), "SEEN.lock().unwrap().clone()")
        self.course.hand_in({"keeps": one})
        self.course.grade()
        executed = (self.course.ours / "autograded/keeps/contract/contract.ipynb").read_text()
        self.assertIn("seen [1, 7, -40]", executed, "it was there to be told")
        page = (self.course.ours / "feedback/keeps/contract/contract.html").read_text()
        self.assertNotIn("-40", page)
        self.assertEqual(page.count("it ran after hidden tests"), 2)

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
        self.course.cvstudy("report", self.course.ours, "--source", SOURCE / "contract.md", "--import", table)
        grades = json.loads((self.course.ours / "grades.json").read_text())
        mine = next(grade for grade in grades if grade["student"] == "essay-written")
        essay = next(cell for cell in mine["cells"] if cell["cell"] == "essay")
        self.assertEqual((essay["points"], essay["comment"]), (3.5, "well put"))
        self.assertIn("well put", (self.course.ours / "feedback/essay-written/contract/contract.html").read_text())
        # What was given can be taken from each of the tables that were written, here into another gradebook.
        for table in ("cells.csv", "grades.json"):
            other = self.course.root / table.replace(".", "-")
            self.course.grade(into=other)
            self.course.cvstudy("report", other, "--source", SOURCE / "contract.md", "--import", self.course.ours / table)
            self.assertEqual(json.loads((other / "grades.json").read_text()), grades, table)
        # An answer that is handed in anew has to be read anew.
        self.course.hand_in({"essay-written": corpus.solved(self.course.released).write("essay", "Because not.")})
        self.course.grade()
        grades = json.loads((self.course.ours / "grades.json").read_text())
        essay = next(cell for grade in grades for cell in grade["cells"] if (grade["student"], cell["cell"]) == ("essay-written", "essay"))
        self.assertEqual((essay["points"], essay["needs_manual"]), (3.5, True))

    def test_nbgrader_reads_our_gradebook(self):
        self.some("essay-written", "wrong", "result-half", "not-json")
        self.course.grade()
        ours = {one["student"]: one for one in json.loads((self.course.ours / "grades.json").read_text())}
        with Gradebook(f"sqlite:///{self.course.ours / 'gradebook.db'}") as book:
            submissions = book.assignment_submissions("contract")
            self.assertEqual({one.student.id for one in submissions}, set(ours))
            for one in submissions:
                mine = ours[one.student.id]
                self.assertEqual((one.score, one.max_score, one.needs_manual_grade), (mine["score"], mine["max"], mine["needs_manual"]))
                cells = {grade.cell.name: (grade.score, grade.max_score) for notebook in one.notebooks for grade in notebook.grades}
                self.assertEqual(cells, {cell["cell"]: (cell["points"], cell["max"]) for cell in mine["cells"]})
            # What is given there counts here.
            essay = book.find_grade("essay", "contract", "contract", "essay-written")
            essay.manual_score = 3.25
            book.db.commit()
        self.course.cvstudy("report", self.course.ours, "--source", SOURCE / "contract.md")
        after = {one["student"]: one for one in json.loads((self.course.ours / "grades.json").read_text())}
        self.assertEqual(after["essay-written"]["score"], ours["essay-written"]["score"] + 3.25)

    def test_points_are_given_on_a_page(self):
        self.some("essay-written", "solved", "essay-space", "above-the-most")
        self.course.grade()
        command = [PROGRAM, "grade", "by-hand", self.course.ours, "--source", SOURCE / "contract.md"]
        server = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.kill)
        base = next(line.split()[1] for line in server.stdout if line.startswith("open http://127.0.0.1:"))
        site = base.rsplit("/", 2)[0]

        def page(place, **form):
            data = urllib.parse.urlencode(form, doseq=True).encode() if form else None
            with urllib.request.urlopen(urllib.parse.urljoin(base, place), data) as reply:
                return reply.read().decode()

        self.assertRegex(page(base), r"essay</a>(.|\n)*2 of 4 wait")
        with self.assertRaises(urllib.error.HTTPError):
            page(f"{site}/another-key/")
        first = re.search(r'href="([^"]+)">essay<', page(base))[1]
        shown = page(first)
        self.assertIn("Why?", shown)
        self.assertNotIn("<h1>essay-", shown)
        hidden = dict(re.findall(r'name="(\w+)" value="([^"]*)">', shown))
        hidden = {name: hidden[name] for name in ("student", "assignment", "notebook", "cell")}
        self.assertIn("is no number from 0 to 4", page("save", **hidden, score="5"))
        after = page("save", **hidden, score="2,5", comment="well <put>")
        self.assertNotIn(f'value="{hidden["student"]}"', after, "the next one that waits")
        self.assertRegex(page(base), r"essay</a>(.|\n)*1 of 4 wait")
        # Tests that gave more points than there are need a person, who sees the answer as well.
        odd = page(re.search(r'href="([^"]+)">probe-tests<', page(base))[1])
        self.assertIn("fn probe() -&gt; f64 { 3.5 }", odd)
        page("save", **{**hidden, "cell": "probe-tests", "student": "above-the-most"}, score="1")
        self.assertRegex(page(base), r"probe-tests</a>(.|\n)*done")
        task = {**hidden, "cell": "task", "student": "solved"}
        self.assertIn("scheme-marker: axes have names.", page(re.search(r'href="([^"]+)">task<', page(base))[1]))
        page("save", **task, item=["0"])
        page("finish", done="1")
        self.assertEqual(server.wait(), 0)
        grades = {grade["student"]: grade for grade in json.loads((self.course.ours / "grades.json").read_text())}
        of = lambda student, name: next(cell for cell in grades[student]["cells"] if cell["cell"] == name)
        self.assertEqual((of(hidden["student"], "essay")["points"], of(hidden["student"], "essay")["comment"]), (2.5, "well <put>"))
        self.assertEqual((of("solved", "task")["points"], of("solved", "task")["needs_manual"]), (0.5, False))
        feedback = self.course.ours / "feedback" / hidden["student"] / "contract/contract.html"
        self.assertIn("well &lt;put&gt;", feedback.read_text())
        self.assertIn("0.5: scheme-marker", (self.course.ours / "feedback/solved/contract/contract.html").read_text())
        self.assertEqual(of("solved", "task")["items"], ["0.5: scheme-marker: axes have names."])


if __name__ == "__main__":
    unittest.main()
