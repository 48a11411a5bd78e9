"""Front ends other than the page: the console, nbconvert, papermill."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import nbformat

from client import kernelspec

NAME = "cvstudy-frontends"


def notebook(*cells, tags=()):
    cells = [nbformat.v4.new_code_cell(code) for code in cells]
    for cell, tag in zip(cells, tags):
        cell.metadata["tags"] = [tag]
    metadata = {
        "kernelspec": {"name": NAME, "display_name": NAME, "language": "rust"},
        "language_info": {"name": "rust", "file_extension": ".rs"},
    }
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


class FrontEnds(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.spec = kernelspec(NAME)

    @classmethod
    def tearDownClass(cls):
        cls.spec.cleanup()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def jupyter(self, *arguments, **options):
        """Runs a program of Jupyter's with nothing of the user's own in it."""
        own = {"JUPYTER_CONFIG_DIR": str(self.folder), "IPYTHONDIR": str(self.folder), "JUPYTER_PLATFORM_DIRS": "0"}
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=self.folder, env={**os.environ, **own}, capture_output=True, text=True, timeout=240, **options,
        )

    def save(self, *cells, **options):
        path = self.folder / "n.ipynb"
        nbformat.write(notebook(*cells, **options), path)
        return path

    def test_the_console_runs_cells(self):
        said = self.jupyter("jupyter_console", "--kernel", NAME, "--simple-prompt",
                            input='let answer = 40;\nprintln!("said {}", answer + 1);\nanswer + 2\nexit\n')
        self.assertIn("said 41", said.stdout, said.stderr)
        self.assertIn("42", said.stdout)

    def test_nbconvert_executes_and_writes_a_page(self):
        path = self.save('println!("from Rust");', "6 * 7", 'Image::from_tensor(&Tensor::zeros([3, 4, 4], (Kind::Float, Device::Cpu)))?')
        said = self.jupyter("nbconvert", "--execute", "--to", "html", str(path))
        self.assertEqual(said.returncode, 0, said.stderr)
        page = path.with_suffix(".html").read_text()
        for part in ("from Rust", "42", "data:image/png;base64,", "highlight hl-rust"):
            self.assertIn(part, page)

    def test_nbconvert_writes_a_program(self):
        path = self.save("let x = 1;", "x + 1")
        said = self.jupyter("nbconvert", "--to", "script", str(path))
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn("let x = 1;", path.with_suffix(".rs").read_text())

    def test_nbconvert_stops_at_an_error(self):
        path = self.save('panic!("on purpose")')
        said = self.jupyter("nbconvert", "--execute", "--to", "notebook", str(path))
        self.assertNotEqual(said.returncode, 0)
        self.assertIn("on purpose", said.stderr)

    def test_papermill_sets_parameters(self):
        path = self.save('let (epochs, name, rates, quick) = (1, "a", vec![0.5], false); let r#type = 0_i64;'
                         "let by_class = std::collections::BTreeMap::from([(\"a\", 0.0)]);",
                         'format!("{epochs} {name} {rates:?} {quick} {type} {by_class:?}", type = r#type)', tags=["parameters"])
        parameters = ('{epochs: 3, name: "größer \\"x\\" \\u0007", rates: [0.1, 2], quick: true, type: 5000000000, '
                      "by_class: {cat: 1, dog: 2.5}}")
        said = self.jupyter("papermill", str(path), "out.ipynb", "--parameters_yaml", parameters)
        self.assertEqual(said.returncode, 0, said.stderr)
        out = nbformat.read(self.folder / "out.ipynb", as_version=4)
        self.assertEqual(out.cells[1].metadata.tags, ["injected-parameters"])
        [result] = out.cells[2].outputs
        shown = r'"3 größer \"x\" \u{7} [0.1, 2.0] true 5000000000 {\"cat\": 1.0, \"dog\": 2.5}"'
        self.assertEqual(result.data["text/plain"], shown)

    def test_papermill_says_what_cannot_be_a_parameter(self):
        path = self.save("let epochs = 1;", tags=["parameters"])
        for parameters, why in (("{epochs: null}", "has no type in Rust"), ("{a-b: 1}", "cannot be the name of a variable")):
            said = self.jupyter("papermill", str(path), "out.ipynb", "--parameters_yaml", parameters)
            self.assertNotEqual(said.returncode, 0)
            self.assertIn(why, said.stderr)

    def test_papermill_lists_the_parameters_of_a_notebook(self):
        path = self.save("let epochs: u32 = 3; // how often\nlet name = \"a\";", tags=["parameters"])
        said = self.jupyter("papermill", "--help-notebook", str(path))
        self.assertIn("epochs: u32 (default 3)", said.stdout, said.stderr)
        self.assertIn("how often", said.stdout)


if __name__ == "__main__":
    unittest.main()
