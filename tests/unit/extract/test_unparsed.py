from __future__ import annotations

import ast
import sys

import pytest

from harness.extract.unparsed import told


@pytest.mark.parametrize(
    "line",
    [
        """path = f"file:{os.path.abspath("./data/")}\"""",
        """path = f"{a}/{row["name"]}\"""",
        "name = F'{row['name']}'",
        "def first[T](rows: list[T]) -> T: ...",
        "class Box[T]: ...",
        "type Rows = list[int]",
    ],
)
def test_what_a_newer_python_takes(line):
    """Where an older one runs the tests, it says so; the line is no mistake."""
    try:
        ast.parse(line)
    except SyntaxError as error:
        cause, mend = told(error, line)
        assert "Python 3.12 and newer may take this line" in cause
        assert "3.12 from 16.0 on" in mend
    else:
        assert sys.version_info >= (3, 12)


@pytest.mark.parametrize("line", ["del = 400", """print(f"{a}" "b" {)""", "if f'{a}' == {'b': }:", "def f(x[1]):"])
def test_what_no_python_takes(line):
    """Python's own words."""
    with pytest.raises(SyntaxError) as raised:
        ast.parse(line)

    assert told(raised.value, line)[0] == raised.value.msg


def test_an_error_without_words():
    """Its name."""
    assert told(RecursionError(), "x")[0] == "RecursionError"
