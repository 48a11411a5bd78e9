"""What nbgrader has to know of Rust. Beside it, `source/week1/week1.ipynb` is one assignment."""

c = get_config()  # noqa: F821 - nbgrader provides it

# What stands in the place of solutions: it compiles as the end of any function.
c.ClearSolutions.code_stub = {"rust": "// YOUR CODE HERE\ntodo!()"}

# A cell's time in seconds. It includes compiling the cell.
c.ExecutePreprocessor.timeout = 30
