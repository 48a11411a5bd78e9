"""Front ends other than the page: the console, nbconvert, papermill."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import nbformat
from papermill.execute import execute_notebook
from papermill.translators import Translator, papermill_translators

from client import kernelspec

NAME = "cvstudy-frontends"


class RustTranslator(Translator):
    """Parameters as Rust: what papermill writes into the cell after the one tagged `parameters`."""

    @classmethod
    def comment(cls, text):
        return f"// {text}"

    @classmethod
    def assign(cls, name, value):
        return f"let {name} = {value};"

    @classmethod
    def translate_escaped_str(cls, value):
        return json.dumps(str(value), ensure_ascii=False)

    @classmethod
    def translate_bool(cls, value):
        return str(value).lower()

    @classmethod
    def translate_list(cls, value):
        return f"vec![{', '.join(map(cls.translate, value))}]"


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
        papermill_translators.register("rust", RustTranslator)
        path = self.save("let (epochs, name, rates, quick) = (1, \"a\", vec![0.5], false);",
                         'format!("{epochs} {name} {rates:?} {quick}")', tags=["parameters"])
        parameters = {"epochs": 3, "name": 'größer "x"', "rates": [0.1, 0.2], "quick": True}
        out = execute_notebook(str(path), str(self.folder / "out.ipynb"), parameters, progress_bar=False)
        self.assertEqual(out.cells[1].metadata.tags, ["injected-parameters"])
        [result] = out.cells[2].outputs
        self.assertEqual(result.data["text/plain"], r'"3 größer \"x\" [0.1, 0.2] true"')


if __name__ == "__main__":
    unittest.main()
