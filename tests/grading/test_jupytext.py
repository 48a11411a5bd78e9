"""jupytext opens a source as the notebook that it is: the same cells of code, with their attributes."""

import re
import unittest
from pathlib import Path

import jupytext

HERE = Path(__file__).parent
SOURCES = sorted((HERE.parents[1] / "notebooks/source").glob("*.md")) + sorted((HERE / "source").glob("*.md"))


def fences(text):
    """Attributes and code of every fenced cell."""
    return re.findall(r"^```rust([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def is_ours(cell):
    """A fence of another language, which stands in a text of ours, is a cell with a magic there."""
    return cell.cell_type == "code" and not cell.source.startswith("%%")


class Jupytext(unittest.TestCase):
    def test_sources_open_as_notebooks(self):
        self.assertGreater(len(SOURCES), 1)
        for source in SOURCES:
            with self.subTest(source.name):
                text = source.read_text()
                notebook = jupytext.reads(text, fmt="md")
                code = [cell for cell in notebook.cells if is_ours(cell)]
                ours = fences(text)
                self.assertEqual([cell.source.strip() for cell in code], [body.strip() for _, body in ours])
                kinds = [re.search(r'kind="?(\w+)', attributes) for attributes, _ in ours]
                self.assertEqual([cell.metadata.get("kind") for cell in code], [kind and kind[1] for kind in kinds])

    def test_what_is_edited_there_is_still_a_source(self):
        text = (HERE / "source/contract.md").read_text()
        notebook = jupytext.reads(text, fmt="md")
        tests = next(cell for cell in notebook.cells if cell.metadata.get("kind") == "tests")
        tests.source += "\nassert_eq!(add(2, 2), 4);"
        written = jupytext.writes(notebook, fmt="md")
        changed = [body for _, body in fences(written)]
        self.assertEqual(len(changed), len(fences(text)))
        self.assertIn("assert_eq!(add(2, 2), 4);\n", "".join(changed))
        for _, body in fences(text):
            self.assertIn(body.strip(), written)


if __name__ == "__main__":
    unittest.main()
