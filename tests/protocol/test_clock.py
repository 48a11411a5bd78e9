"""The time of day may jump, by hand or when a machine wakes up; nothing here waits for it."""

import os
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from client import Kernel
from test_lifetime import ENDLESS_TO_COMPILE

YEAR = 365 * 24 * 3600
NOW = "std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs()"


class Clock(unittest.TestCase):
    """A kernel whose clock is set by a file; see `clock.c`."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        library = Path(cls.folder.name) / "clock.so"
        source = Path(__file__).with_name("clock.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
        cls.offset = Path(cls.folder.name) / "offset"
        cls.jump(0)
        cls.kernel = Kernel(environment={"LD_PRELOAD": str(library), "CLOCK_OFFSET": str(cls.offset)})

    @classmethod
    def tearDownClass(cls):
        cls.kernel.close()
        cls.folder.cleanup()

    @classmethod
    def jump(cls, seconds):
        """Sets the clock to so many seconds beside the true time."""
        new = cls.offset.with_suffix(".new")
        new.write_text(str(seconds))
        os.replace(new, cls.offset)

    def tearDown(self):
        self.jump(0)

    def assert_clock(self, offset):
        self.assertAlmostEqual(int(self.kernel.text(NOW)), time.time() + offset, delta=3600)

    def test_between_cells(self):
        for offset in (YEAR, -YEAR, 0):
            self.jump(offset)
            self.assert_clock(offset)
            time.sleep(0.5)
            header = self.kernel.execute(
                "std::thread::spawn(|| { std::thread::sleep(std::time::Duration::from_millis(300)); println!(\"late\"); });"
            )
            self.kernel.reply(header)
            self.assertEqual(self.kernel.wait_until_running(header), "late\n")

    def test_while_a_cell_runs(self):
        for offset in (YEAR, -YEAR):
            header = self.kernel.execute(
                'println!("running"); for _ in progress(0..40) { std::thread::sleep(std::time::Duration::from_millis(50)); }'
                'println!("done");'
            )
            self.kernel.wait_until_running(header)
            self.jump(offset)
            kinds = [m["msg_type"] for m in self.kernel.broadcasts(header)]
            self.assertEqual(self.kernel.reply(header)["content"]["status"], "ok")
            # About ten drawings a second, as ever.
            self.assertTrue(5 < kinds.count("update_display_data") < 200, kinds)
            self.jump(0)

    def test_an_interrupt_comes_through(self):
        for offset in (YEAR, -YEAR):
            header = self.kernel.execute('println!("running"); std::thread::sleep(std::time::Duration::from_secs(3600));')
            self.kernel.wait_until_running(header)
            self.jump(offset)
            self.kernel.interrupt()
            reply = self.kernel.reply(header, timeout=20)["content"]
            self.assertEqual(reply["ename"], "Interrupted")
            self.jump(0)

    def test_while_the_compiler_is_at_work(self):
        for offset in (YEAR, -YEAR):
            header = self.kernel.execute(ENDLESS_TO_COMPILE)
            self.kernel.wait_until_compiling()
            self.jump(offset)
            # Others are answered, an interrupt ends it, and what is compiled then is as good as before.
            self.kernel.ask("complete_request", {"code": "imrea", "cursor_pos": 5})
            self.kernel.interrupt()
            self.assertEqual(self.kernel.reply(header, timeout=20)["content"]["ename"], "Interrupted")
            self.assertEqual(self.kernel.text(f"let fresh = {time.time_ns()}_u64; fresh > 0"), "true")
            self.assert_clock(offset)
            self.jump(0)

    def test_a_worker_that_dies_is_replaced(self):
        for offset in (YEAR, -YEAR):
            self.jump(offset)
            header = self.kernel.execute('println!("running"); loop { checkpoint(); }')
            self.kernel.wait_until_running(header)
            [worker] = self.kernel.workers()
            os.kill(worker, signal.SIGKILL)
            self.assertEqual(self.kernel.reply(header, timeout=20)["content"]["ename"], "WorkerDied")
            self.assert_clock(offset)


if __name__ == "__main__":
    unittest.main()
