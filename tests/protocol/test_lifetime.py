"""How a kernel begins and ends, and what it leaves behind."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from client import PROGRAM, Kernel, is_alive, wait_until

LOOP = 'println!("running"); loop { std::hint::spin_loop() }'


# A constant that takes the compiler longer than anybody waits.
ENDLESS_TO_COMPILE = (
    "#[allow(long_running_const_eval)] const ENDLESS: u64 = { let mut n = 0_u64; while n < u64::MAX { n += 1; } n };"
    "ENDLESS"
)


class Lifetime(unittest.TestCase):
    """A kernel for each test."""

    def start(self, **options):
        kernel = Kernel(**options)
        self.addCleanup(kernel.close)
        return kernel

    def assert_gone(self, kernel, children, seconds=2):
        self.assertTrue(wait_until(lambda: kernel.process.poll() is not None, seconds), "the kernel is still there")
        self.assertTrue(wait_until(lambda: not any(map(is_alive, children)), seconds), "a child is still there")

    def test_counts_start_at_one(self):
        reply, outputs = self.start().run("7")
        self.assertEqual(reply["execution_count"], 1)
        self.assertEqual(outputs[0][1]["execution_count"], 1)

    def test_history_is_kept_across_kernels(self):
        with tempfile.TemporaryDirectory() as home:
            # A history of its own; everything else where it always is.
            for part in ("cells", "stubs", "index"):
                real = Path(os.environ.get("CVSTUDY_HOME") or Path.home() / ".cache/cvstudy") / part
                if real.exists():
                    os.symlink(real, Path(home) / part)
            first = self.start(environment={"CVSTUDY_HOME": home})
            first.text("let remembered = 1;")
            first.ask("shutdown_request", {"restart": True}, "control")
            first.process.wait(10)
            second = self.start(environment={"CVSTUDY_HOME": home})
            tail = second.ask("history_request", {"hist_access_type": "tail", "n": 1, "output": False, "raw": True})
            self.assertEqual(tail["history"], [[1, 1, "let remembered = 1;"]])
            second.close()  # It must not write into the folder while that is taken away.

    def test_it_speaks_over_ipc(self):
        self.assertEqual(self.start(transport="ipc").text("7"), "7")

    def test_shutdown_is_answered_first_and_leaves_nobody(self):
        for restart in (False, True):
            for code in ("1", LOOP):
                with self.subTest(restart=restart, code=code):
                    kernel = self.start()
                    header = kernel.execute(code)
                    kernel.wait_until_running(header) if code == LOOP else kernel.reply(header)
                    children = kernel.children()
                    self.assertTrue(children, "the worker is a child")
                    reply = kernel.ask("shutdown_request", {"restart": restart}, "control")
                    self.assertEqual(reply, {"status": "ok", "restart": restart})
                    self.assert_gone(kernel, children)
                    self.assertEqual(kernel.process.returncode, 0)

    def test_killed_it_leaves_no_worker(self):
        kernel = self.start()
        kernel.wait_until_running(kernel.execute(LOOP))
        children = kernel.children()
        self.assertTrue(children)
        kernel.process.kill()
        self.assert_gone(kernel, children)

    def test_terminated_it_ends_well(self):
        kernel = self.start()
        kernel.text("1")
        children = kernel.children()
        kernel.process.terminate()
        self.assert_gone(kernel, children)
        self.assertEqual(kernel.process.returncode, 0)

    def test_a_signal_interrupts_too(self):
        kernel = self.start()
        header = kernel.execute(LOOP)
        kernel.wait_until_running(header)
        kernel.process.send_signal(signal.SIGINT)
        self.assertEqual(kernel.reply(header, timeout=5)["content"]["ename"], "Interrupted")

    def test_it_ends_with_the_front_end_that_started_it(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        # A front end that starts a kernel, says its process id, and dies.
        front_end = (
            "import os, subprocess, time; from jupyter_client.connect import write_connection_file as w\n"
            f"f, _ = w({str(Path(folder.name) / 'c.json')!r})\n"
            "os.environ['JPY_PARENT_PID'] = str(os.getpid())\n"
            f"p = subprocess.Popen([{PROGRAM!r}, 'kernel', '--connection-file', f])\n"
            "print(p.pid, flush=True); time.sleep(1); os.kill(os.getpid(), 9)"
        )
        said = subprocess.run([sys.executable, "-c", front_end], capture_output=True, text=True, timeout=30)
        pid = int(said.stdout)
        self.assertTrue(wait_until(lambda: not is_alive(pid), 5))

    def test_a_dead_worker_is_replaced(self):
        kernel = self.start()
        kernel.text("let x = 1;")
        header = kernel.execute(LOOP)
        kernel.wait_until_running(header)
        [worker] = kernel.workers()
        os.kill(worker, signal.SIGKILL)
        reply = kernel.reply(header, timeout=10)["content"]
        self.assertEqual((reply["status"], reply["ename"]), ("error", "WorkerDied"))
        self.assertEqual(kernel.text("2"), "2")

    def start_compiling(self, **options):
        """A kernel whose compiler is at work and will not end by itself."""
        kernel = self.start(**options)
        kernel.text("let kept = 4;")
        header = kernel.execute(ENDLESS_TO_COMPILE)
        kernel.wait_until_compiling()
        return kernel, header

    def test_an_interrupt_ends_the_compiler(self):
        kernel, header = self.start_compiling()
        compilers = kernel.compilers()
        kernel.interrupt()
        reply = kernel.reply(header, timeout=5)["content"]
        self.assertEqual((reply["status"], reply["ename"]), ("error", "Interrupted"))
        self.assertTrue(wait_until(lambda: not any(map(is_alive, compilers)), 2), "the compiler goes on")
        self.assertEqual(kernel.text("kept"), "4")

    def test_a_restart_while_compiling_leaves_nobody(self):
        kernel, _ = self.start_compiling()
        children = kernel.children()
        self.assertEqual(kernel.ask("shutdown_request", {"restart": True}, "control"), {"status": "ok", "restart": True})
        self.assert_gone(kernel, children)

    def test_killed_while_compiling_it_leaves_nobody(self):
        kernel, _ = self.start_compiling()
        children = kernel.children()
        kernel.process.kill()
        self.assert_gone(kernel, children)

    def test_shutdown_takes_along_what_cells_have_started(self):
        kernel = self.start()
        header = kernel.execute('println!("begun"); std::process::Command::new("sleep").arg("1000").spawn()?; loop { checkpoint(); }')
        kernel.wait_until_running(header)
        self.assertTrue(wait_until(lambda: len(kernel.workers()) == 2, 10), "the worker and its child")
        children = kernel.children()
        kernel.ask("shutdown_request", {"restart": False}, "control")
        self.assert_gone(kernel, children)

    def start_a_line(self, line):
        """A kernel whose shell runs a line, and what the line has started."""
        kernel = self.start()
        kernel.text("let kept = 4;")
        before = kernel.children()
        header = kernel.execute(line)
        kernel.wait_until_running(header)
        return kernel, header, [pid for pid in kernel.children() if pid not in before]

    def test_an_interrupt_ends_a_flood_and_all_that_a_line_has_started(self):
        for line in ("!sleep 1000 & yes", "!echo begun; sleep 1000; echo never", "!echo begun; sleep 3600 | cat"):
            with self.subTest(line):
                kernel, header, started = self.start_a_line(line)
                self.assertGreater(len(started), 1)
                kernel.interrupt()
                reply = kernel.reply(header, timeout=10)["content"]
                self.assertEqual((reply["status"], reply["ename"]), ("error", "Interrupted"))
                self.assertTrue(wait_until(lambda: not any(map(is_alive, started)), 5), "something goes on")
                self.assertEqual(kernel.text("kept"), "4")
                self.assertLess(kernel.peak_memory(), 400e6)

    def test_killed_or_shut_down_it_leaves_nothing_that_a_line_has_started(self):
        for end in ("kill", "shutdown"):
            with self.subTest(end):
                kernel, _, started = self.start_a_line("!echo begun; sleep 1000; echo never")
                if end == "kill":
                    kernel.process.kill()
                else:
                    kernel.ask("shutdown_request", {"restart": False}, "control")
                self.assert_gone(kernel, started, seconds=5)

    def test_no_temporary_file_is_left(self):
        for end in ("shutdown", "worker", "kernel"):
            with self.subTest(end), tempfile.TemporaryDirectory() as scratch:
                kernel, header = self.start_compiling(environment={"TMPDIR": scratch})
                children = kernel.children()
                if end == "shutdown":
                    kernel.ask("shutdown_request", {"restart": False}, "control")
                elif end == "worker":
                    kernel.interrupt()
                    kernel.reply(header)
                    header = kernel.execute(LOOP)
                    kernel.wait_until_running(header)
                    [worker] = kernel.workers()
                    os.kill(worker, signal.SIGKILL)
                    kernel.reply(header)
                    self.assertEqual(kernel.text("1"), "1")
                    children = kernel.children()
                    kernel.ask("shutdown_request", {"restart": False}, "control")
                else:
                    kernel.process.kill()
                self.assert_gone(kernel, children)
                self.assertEqual(os.listdir(scratch), [])

    def test_an_unusable_connection_file_is_an_error_and_the_key_stays_secret(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "connection.json"
            base = {"ip": "127.0.0.1", "transport": "tcp", "key": "the-secret", "signature_scheme": "hmac-sha256"}
            ports = dict.fromkeys(("shell_port", "control_port", "iopub_port", "stdin_port", "hb_port"), 0)
            for content in (
                "",
                "{}",
                json.dumps({**base, **ports, "ip": "0.0.0.0"}),
                json.dumps({**base, **ports, "signature_scheme": "hmac-md5"}),
                json.dumps({**base, **ports, "transport": "udp"}),
            ):
                path.write_text(content)
                ended = subprocess.run(
                    [PROGRAM, "kernel", "--connection-file", path],
                    capture_output=True,
                    text=True,
                    timeout=10,
                    env={**os.environ, "CVSTUDY_LOG": "trace"},
                )
                self.assertEqual(ended.returncode, 1)
                self.assertIn("connection file", ended.stderr)
                self.assertNotIn("the-secret", ended.stderr)


if __name__ == "__main__":
    unittest.main()
