"""The Jupyter project's own suite for kernels (jupyter_kernel_test), every part that applies, for the kernel as
`cvstudy install` makes it known to Jupyter."""

import os
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import jupyter_kernel_test

from client import PROGRAM

NAME = "cvstudy-conformance"


def setUpModule():
    global folder
    folder = tempfile.TemporaryDirectory()
    subprocess.run([PROGRAM, "install", "--prefix", folder.name, "--name", NAME], check=True)
    os.environ["JUPYTER_PATH"] = str(Path(folder.name) / "share/jupyter")


def wait_for_the_index(client):
    """The first kernel of a new course reads the course's sources, which takes seconds."""
    for _ in range(600):
        client.complete("imrea")
        if client.get_shell_msg(timeout=15)["content"]["matches"]:
            return
        time.sleep(0.1)


def tearDownModule():
    folder.cleanup()


class Conformance(jupyter_kernel_test.KernelTests):
    kernel_name = NAME
    language_name = "rust"
    file_extension = ".rs"

    code_hello_world = 'println!("hello, world")'
    code_stderr = 'eprintln!("test")'
    code_generate_error = 'panic!("an error")'
    code_execute_result = [{"code": "6 * 7", "result": "42"}, {"code": '"a".repeat(3)', "mime": "text/plain"}]
    code_display_data = [{"code": 'display("shown")', "mime": "text/plain"}]
    code_page_something = "?imread"
    code_clear_output = "clear_output(false)"
    code_inspect_sample = "Tensor::from_slice"

    complete_code_samples = ["1", 'println!("hello, world")', "let x = 1;", "fn f(x: u32) -> u32 {\n    x * 2\n}"]
    incomplete_code_samples = ["fn f() {", 'println!("a', "let x =", "vec![1,"]
    invalid_code_samples = ["let x = );", "}"]

    code_history_pattern = "6 *?7"
    supported_history_operations = ("tail", "range", "search")

    completion_samples = [
        {"text": "line_cha", "matches": {"line_chart"}},
        {"text": "Device::Cp", "matches": {"Cpu"}},
        {"text": "let losses = vec![0.5];\nlosses.with_capa", "matches": set()},
        {"text": "let losses = vec![0.5];\nlosses.dedup_by_", "matches": {"dedup_by_key"}},
    ]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        wait_for_the_index(cls.kc)


class Welcome(jupyter_kernel_test.IopubWelcomeTests):
    kernel_name = NAME
    support_iopub_welcome = True


if __name__ == "__main__":
    unittest.main()
