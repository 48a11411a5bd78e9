"""Submissions of `source/contract.md`, each the released notebook with one thing done to it."""

import copy
import json

ADD = "fn add(a: i32, b: i32) -> i32 {{ {} }}"
PROBE = "fn probe() -> {} {{ {} }}"
MEAN = "fn mean(values: &[f64]) -> f64 {{ {} }}"

# What nbgrader does that is not ours to repeat: its score stands beside a reason. A submission that nbgrader refuses
# as a whole has no score there.
FAULTS = {
    "copied-tests": "a copied cell fails the whole submission (#1083)",
    "copied-answer": "a copied cell fails the whole submission (#1083)",
    "unknown-id": "an id that is not in the database fails the whole submission",
    "flag-not-graded": "a changed flag is not brought back",
    "flag-solution": "a changed flag is not brought back",
    "skip-execution": "a tests cell that is never run has full points",
    "above-the-most": "a result above the points fails the whole submission",
    "empty-result": "a result without text fails the whole submission",
    "old-schema": "metadata of an older version fails the whole submission",
    "unknown-key": "an unknown key in the metadata fails the whole submission",
    "not-json": "a file that is no notebook fails the whole submission",
    "no-notebook-at-all": "a file that is no notebook fails the whole submission",
    "deleted-tests": "waits for points by hand",
    "deleted-essay": "waits for points by hand",
    "deleted-task": "waits for points by hand",
    "result-then-more": "a result that the learner's code shows counts as the tests' own",
}


class Submission:
    """A notebook on its way to being handed in."""

    def __init__(self, released):
        self.notebook = copy.deepcopy(released)
        self.raw = None
        # Makes something else than a file of text, at the path that it is given.
        self.make = None
        # Files beside it, by name.
        self.beside = {}

    @property
    def cells(self):
        return self.notebook["cells"]

    def __getitem__(self, name):
        return next(cell for cell in self.cells if cell["id"] == name)

    def write(self, name, source):
        self[name]["source"] = source
        return self

    def at(self, name):
        return self.cells.index(self[name])

    def delete(self, name):
        del self.cells[self.at(name)]
        return self

    def mark(self, name, **fields):
        self[name]["metadata"]["nbgrader"].update(fields)
        return self

    def insert(self, at, source, **fields):
        cell = {"cell_type": "code", "execution_count": None, "id": f"own-{at}", "metadata": {}, "outputs": []}
        self.cells.insert(at, {**cell, "source": source, **fields})
        return self

    def text(self):
        return json.dumps(self.notebook) if self.raw is None else self.raw

    def put(self, path):
        """Hands it in as this file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink() or path.exists():
            path.unlink()
        if self.make is None:
            path.write_text(self.text())
        else:
            self.make(path)
        for name, text in self.beside.items():
            (path.parent / name).parent.mkdir(parents=True, exist_ok=True)
            (path.parent / name).write_text(text)


def solved(released):
    """Everything right, so that one thing can go wrong."""
    one = Submission(released)
    one.write("add", ADD.format("a + b"))
    one.write("probe", PROBE.format("f64", "1.5"))
    one.write("mean", MEAN.format("values.iter().sum::<f64>() / (values.len().max(1)) as f64"))
    return one


def submissions(released):
    """All of them, by name."""
    found = {}

    def submission(name, change=lambda one: None, base=solved):
        one = base(released)
        change(one)
        assert name not in found, name
        found[name] = one

    submission("untouched", base=Submission)
    submission("solved")
    answers(submission)
    results(submission)
    by_hand(submission)
    structure(submission)
    metadata(submission)
    return found


def answers(submission):
    """What learners write."""
    add = {
        "wrong": ADD.format("a - b"),
        "right-when-positive": ADD.format("if a < 0 { 0 } else { a + b }"),
        "does-not-compile": ADD.format("a + "),
        "borrow-error": ADD.format("let s = String::new(); let t = s; drop(s); drop(t); a + b"),
        "panics": ADD.format('panic!("oh")'),
        "index": ADD.format("let v = vec![a, b]; v[2 + (a - a) as usize]"),
        "overflows": ADD.format("(a + b).wrapping_add(i32::MAX) + 1 - i32::MAX + a + i32::MAX"),
        "wrong-signature": "fn add(a: i32) -> i32 { a }",
        "wrong-type": "fn add(a: f64, b: f64) -> f64 { a + b }",
        "another-name": "fn plus(a: i32, b: i32) -> i32 { a + b }",
        "empty-answer": "",
        "only-a-comment": "// I could not do it",
        "unused-variable": ADD.format("let unused = 1; a + b"),
        "stderr": ADD.format('eprintln!("adding"); a + b'),
        "dbg": ADD.format("dbg!(a + b)"),
        "stdout": ADD.format('println!("adding {a} and {b}"); a + b'),
        "long-output": ADD.format('for i in 0..3000 { println!("{i}"); } a + b'),
        "exits": ADD.format("std::process::exit(0)"),
        "aborts": ADD.format("std::process::abort()"),
        "recursion": ADD.format("if b == i32::MIN { a } else { 1 + add(a, b) }"),
        "loops": ADD.format("loop { std::hint::black_box(a); }"),
        "thread-panics": ADD.format('let _ = std::thread::spawn(|| panic!("in a thread")).join(); a + b'),
        "result-unwrap": ADD.format('a + b + "x".parse::<i32>().unwrap()'),
        "generic": "fn add<T: std::ops::Add<Output = T>>(a: T, b: T) -> T { a + b }",
        "closure": "let add = |a: i32, b: i32| a + b;",
        "shadowed-macros": "macro_rules! assert_eq { ($($t:tt)*) => {} }\n" + ADD.format("0"),
        "own-checks": "struct Checks; impl Checks { fn new() -> Self { Checks } }\n" + ADD.format("a + b"),
    }
    for name, source in add.items():
        submission(name, lambda one, source=source: one.write("add", source))
    mean = {
        "mean-nan": MEAN.format("values.iter().sum::<f64>() / values.len() as f64"),
        "mean-first": MEAN.format("values[0]"),
        "mean-zero": MEAN.format("0.0 * values.len() as f64"),
        "mean-todo": MEAN.format("todo!()"),
        "mean-prints": MEAN.format('println!("{}", values.len()); values.iter().sum::<f64>() / values.len().max(1) as f64'),
        "mean-stderr": MEAN.format('eprintln!("{}", values.len()); values.iter().sum::<f64>() / values.len().max(1) as f64'),
    }
    for name, source in mean.items():
        submission(name, lambda one, source=source: one.write("mean", source))


def results(submission):
    """What the last line of a tests cell may give."""
    given = {
        "zero": ("f64", "0.0"),
        "half": ("f64", "0.5"),
        "whole": ("i32", "2"),
        "the-most": ("f64", "3.0"),
        "above-the-most": ("f64", "3.5"),
        "negative": ("f64", "-1.0"),
        "negative-zero": ("f64", "-0.0"),
        "not-a-number": ("f64", "f64::NAN"),
        "tiny": ("f64", "1e-9"),
        "false": ("bool", "false"),
        "unit": ("()", ""),
        "text": ("&'static str", '"1.0"'),
        "some": ("Option<f64>", "Some(1.0)"),
        "error": ("Result<f64, String>", 'Err("no".into())'),
        "several-lines": ("Vec<f64>", "vec![1.0, 2.0]"),
        "error-text": ("String", '"error".into()'),
    }
    for name, (kind, value) in given.items():
        submission(f"result-{name}" if name not in FAULTS else name, lambda one, k=kind, v=value: one.write("probe", PROBE.format(k, v)))
    odd = 'struct Odd; impl std::fmt::Debug for Odd {{ fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {{ write!(f, "{}") }} }}\nfn probe() -> Odd {{ Odd }}'
    submission("result-underscores", lambda one: one.write("probe", odd.format("1_0e-1")))
    submission("result-spaces", lambda one: one.write("probe", odd.format(" 1.25 ")))
    submission("empty-result", lambda one: one.write("probe", odd.format("")))
    submission("result-question-mark", lambda one: one.write("probe", 'fn probe() -> Result<f64, std::num::ParseFloatError> { "x".parse::<f64>() }'))
    shows = "fn probe() -> f64 { println!(\"before\"); display(\"shown\"); 2.25 }"
    submission("result-after-output", lambda one: one.write("probe", shows))
    early = "fn probe() -> f64 { course::rt::display::tail::result(Some(Bundle::text(\"3.0\"))); 0.0 }"
    submission("result-then-more", lambda one: one.write("probe", early))
    stderr = "fn probe() -> f64 { eprintln!(\"warning\"); 2.25 }"
    submission("result-after-stderr", lambda one: one.write("probe", stderr))


def by_hand(submission):
    """Answers that a person reads."""
    submission("essay-written", lambda one: one.write("essay", "Because."))
    submission("essay-empty", lambda one: one.write("essay", ""))
    submission("essay-space", lambda one: one.write("essay", "YOUR ANSWER HERE "))
    submission("code-by-hand", lambda one: one.write("by-hand", "let mine = 1;"))
    submission("code-by-hand-panics", lambda one: one.write("by-hand", 'panic!("no")'))
    submission("task-text-changed", lambda one: one.write("task", "Draw nothing."))
    submission("deleted-task", lambda one: one.delete("task"))
    submission("deleted-essay", lambda one: one.delete("essay"))


def structure(submission):
    """What happens to cells as a whole."""
    submission("deleted-tests", lambda one: one.delete("add-tests"))
    submission("deleted-answer", lambda one: one.delete("add"))
    submission("deleted-locked", lambda one: one.delete("given"))
    submission("copied-tests", lambda one: one.insert(2, "assert!(true)", metadata=copy.deepcopy(one["add-tests"]["metadata"])))
    submission("copied-answer", lambda one: one.insert(0, "let x = 1;", metadata=copy.deepcopy(one["add"]["metadata"])))
    submission("own-cells", lambda one: one.insert(1, "let mine = 1;").insert(2, 'println!("{mine}");'))
    submission("own-cell-fails", lambda one: one.insert(1, 'panic!("mine")'))
    submission("own-cell-redefines", lambda one: one.insert(one.at("add-tests"), ADD.format("a * b")))
    submission("empty-cells", lambda one: one.insert(1, "").insert(2, "  \n"))

    def upside_down(one):
        one.cells.insert(0, one.cells.pop(one.at("add-tests")))

    submission("tests-first", upside_down)
    submission("answer-as-text", lambda one: (one["add"].update(cell_type="markdown"), one["add"].pop("outputs"), one["add"].pop("execution_count")))
    submission("tests-as-text", lambda one: (one["add-tests"].update(cell_type="markdown"), one["add-tests"].pop("outputs"), one["add-tests"].pop("execution_count")))

    def with_outputs(one):
        one["add-tests"].update(execution_count=9, outputs=[{"output_type": "execute_result", "execution_count": 9, "data": {"text/plain": "2.0"}, "metadata": {}}])
        one.write("add", ADD.format("a - b"))

    submission("brings-outputs", with_outputs)
    submission("another-kernel", lambda one: one.notebook["metadata"].update(kernelspec={"name": "python3", "language": "python", "display_name": "Python 3"}))
    submission("no-kernel", lambda one: one.notebook["metadata"].pop("kernelspec"))

    def without_ids(one):
        one.notebook["nbformat_minor"] = 4
        for cell in one.cells:
            del cell["id"]

    submission("without-ids", without_ids)
    submission("not-json", lambda one: setattr(one, "raw", one.text()[:500]))
    submission("no-notebook-at-all", lambda one: setattr(one, "raw", "[1, 2]"))


def metadata(submission):
    """What decides about points, changed."""
    submission("locked-changed", lambda one: one.write("given", "let given = 8;"))
    submission("tests-changed", lambda one: one.write("add-tests", "2.0").write("add", ADD.format("0")))
    submission("points-changed", lambda one: one.mark("add-tests", points=100))
    submission("checksum-changed", lambda one: one.mark("add-tests", checksum="0" * 32))
    submission("essay-checksum-changed", lambda one: one.mark("essay", checksum="0" * 32))
    submission("unlocked", lambda one: one.mark("given", locked=False).write("given", "let given = 8;"))
    submission("flag-not-graded", lambda one: one.mark("add-tests", grade=False))
    submission("flag-solution", lambda one: one.mark("add-tests", solution=True))
    submission("unknown-id", lambda one: one.mark("add-tests", grade_id="mine"))
    submission("old-schema", lambda one: one.mark("add-tests", schema_version=2))
    submission("unknown-key", lambda one: one.mark("add-tests", extra=True))
    submission("skip-execution", lambda one: one.write("add", ADD.format("0"))["add-tests"]["metadata"].update(tags=["skip-execution"]))
    submission("skip-answer", lambda one: one["add"]["metadata"].update(tags=["skip-execution"]))
    submission("other-tags", lambda one: one["add-tests"]["metadata"].update(tags=["hello"]))
