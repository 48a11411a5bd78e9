"""The Jupyter project's own suite for kernels (jupyter_kernel_test), every part that applies."""

import unittest

import jupyter_kernel_test

from client import kernelspec

NAME = "cvstudy-conformance"


def setUpModule():
    global folder
    folder = kernelspec(NAME)


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
    code_clear_output = "clear_output(false)"
    code_inspect_sample = "inspected"

    complete_code_samples = ["1", 'println!("hello, world")', "let x = 1;", "fn f(x: u32) -> u32 {\n    x * 2\n}"]
    incomplete_code_samples = ["fn f() {", 'println!("a', "let x =", "vec![1,"]
    invalid_code_samples = ["let x = );", "}"]

    code_history_pattern = "6 *?7"
    supported_history_operations = ("tail", "range", "search")

    def test_completion(self):
        self.execute_helper(code="let conformance_variable = 1;")
        self.completion_samples = [{"text": "conformance_v", "matches": {"conformance_variable"}}]
        super().test_completion()

    def test_inspect(self):
        self.execute_helper(code="let inspected = 1;")
        super().test_inspect()


if __name__ == "__main__":
    unittest.main()
