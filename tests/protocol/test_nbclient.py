"""A notebook executed by Jupyter itself, through the kernel."""

import json
import subprocess
import unittest
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from client import PROGRAM, kernelspec

NAME = "cvstudy-nbclient"
NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


class Nbclient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = kernelspec(NAME)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def execute(self, path, **options):
        notebook = nbformat.read(path, as_version=4)
        resources = {"metadata": {"path": str(path.parent)}}
        NotebookClient(notebook, kernel_name=NAME, timeout=300, resources=resources, **options).execute()
        nbformat.validate(notebook)
        return notebook

    def test_jupyter_and_run_keep_the_same_outputs(self):
        ours = Path(self.folder.name) / "ours"
        subprocess.run([PROGRAM, "run", "--output", ours, NOTEBOOKS / "tiny.ipynb"], check=True)
        ours = nbformat.read(ours / "tiny.ipynb", as_version=4)
        theirs = self.execute(NOTEBOOKS / "tiny.ipynb")
        for own, other in zip(ours.cells, theirs.cells, strict=True):
            if own.cell_type == "code":
                self.assertEqual(own.execution_count, other.execution_count)
                # The order of stdout and stderr within a cell is nobody's promise.
                self.assertEqual(as_set(own.outputs), as_set(other.outputs), own.id)

    def test_a_failing_cell_is_an_error_in_jupyter(self):
        with self.assertRaises(CellExecutionError) as failed:
            self.execute(NOTEBOOKS / "fails.ipynb")
        self.assertEqual(failed.exception.ename, "CompileError")

    def test_the_tour_runs_in_jupyter(self):
        tour = self.execute(NOTEBOOKS.parent.parent / "notebooks" / "tour.ipynb")
        shown = {kind for cell in tour.cells for output in cell.get("outputs", []) for kind in output.get("data", {})}
        self.assertLessEqual({"image/png", "image/svg+xml"}, shown)


def as_set(outputs):
    return {json.dumps(output, sort_keys=True) for output in outputs}


if __name__ == "__main__":
    unittest.main()
