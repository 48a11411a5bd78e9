"""rust-analyzer in its helper process: it answers, and whatever becomes of it harms nobody."""

import os
import signal
import time
import unittest

from client import Kernel, descendants, is_alive, name_of, wait_until

# It reads the course and the standard library first, on a machine that may be busy with other tests.
LOADING = 300

# A type that only inference tells, so that rust-analyzer alone can answer.
INFERRED = "let pairs: Vec<_> = losses.iter().map(|x| (x.to_string(), 1)).collect(); pairs[0].0.to_upp"


class Analyzer(unittest.TestCase):
    """A kernel for each test."""

    def start(self, **options):
        kernel = Kernel(**options)
        self.addCleanup(kernel.close)
        kernel.wait_for_the_index()
        kernel.text("let losses = vec![0.5];")
        return kernel

    def ask(self, kernel, code=INFERRED):
        return kernel.ask("complete_request", {"code": code, "cursor_pos": len(code)})["matches"]

    def helpers(self, kernel):
        named = [pid for pid in kernel.children() if name_of(pid) == "assist"]
        # What a helper starts (rustc, cargo) has its name until it becomes another program.
        theirs = {child for pid in named for child in descendants(pid)}
        return [pid for pid in named if pid not in theirs]

    def start_loading(self, **options):
        """A kernel and its helper, which has been asked and cannot answer yet."""
        kernel = self.start(**options)
        self.ask(kernel)
        self.assertTrue(wait_until(lambda: self.helpers(kernel), 10), "a question starts it")
        [helper] = self.helpers(kernel)
        return kernel, helper

    def assert_answers(self, kernel):
        self.assertTrue(wait_until(lambda: "to_uppercase" in self.ask(kernel), LOADING), "it never answers")

    def assert_gone(self, *pids):
        self.assertTrue(wait_until(lambda: not any(map(is_alive, pids)), 20), "it is still there")

    def test_it_answers_again_when_it_has_died(self):
        kernel, first = self.start_loading()
        self.assert_answers(kernel)
        os.kill(first, signal.SIGKILL)
        self.assert_gone(first)
        self.assert_answers(kernel)
        self.assertEqual(len(self.helpers(kernel)), 1)

    def test_nobody_waits_for_one_that_has_been_stopped(self):
        kernel, helper = self.start_loading()
        os.kill(helper, signal.SIGSTOP)
        begin = time.monotonic()
        # Together more than a pipe takes.
        comment = "// " + "x" * 100_000 + "\n"
        for _ in range(20):
            self.ask(kernel, comment + INFERRED)
            self.assertIn("imread", self.ask(kernel, "imrea"))
        self.assertEqual(kernel.text("losses.len()"), "1")
        self.assertLess(time.monotonic() - begin, 60)
        kernel.ask("shutdown_request", {"restart": False}, "control")
        self.assert_gone(kernel.process.pid, helper)

    def test_it_rests_when_nobody_asks(self):
        kernel, helper = self.start_loading(environment={"CVSTUDY_ANALYZER_IDLE": "1"})
        self.assert_gone(helper)
        self.ask(kernel)
        self.assertTrue(wait_until(lambda: self.helpers(kernel), 10), "the next question starts another")

    def test_it_ends_with_the_kernel_while_it_loads(self):
        for end in ("shutdown", "kill"):
            with self.subTest(end):
                kernel, helper = self.start_loading()
                if end == "kill":
                    kernel.process.kill()
                else:
                    kernel.ask("shutdown_request", {"restart": False}, "control")
                self.assert_gone(kernel.process.pid, helper)


if __name__ == "__main__":
    unittest.main()
