from __future__ import annotations

import json

import pytest

from harness.errors import CellWriteError, NotANotebookError, NotebookReadError
from harness.notebook import parse_ipynb, python_text, replace_cell

DATABRICKS = "application/vnd.databricks.v1+notebook"


def cell(source, kind="code", **metadata):
    """Give one cell of a Jupyter notebook."""
    return {"cell_type": kind, "metadata": metadata, "source": source}


def document(*cells, **metadata):
    """Give a Jupyter notebook of these cells."""
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def as_bytes(content, indent: int | str | None = 1) -> bytes:
    """Give its file."""
    return json.dumps(content, indent=indent, ensure_ascii=False).encode()


def line_of(raw: bytes, number: int) -> str:
    """Give one line of the file."""
    return raw.decode().split("\n")[number - 1]


def test_lines_are_those_of_the_json():
    """Each source line has the line of the JSON text on which it stands."""
    raw = as_bytes(document(cell(["# T\n", "x"], "markdown"), cell(["é = 1\n", "\n", "y = 2\n"]), cell([]), cell(["z = 3"])))

    notebook = parse_ipynb(raw, "n.ipynb")

    code = [c for c in notebook.cells if c.source]
    shown = {line_of(raw, c.first_line + k) for c in code for k in range(c.last_line - c.first_line + 1)}
    assert notebook.exact_lines
    assert {text.strip().rstrip(",") for text in shown} == {'"# T\\n"', '"x"', '"é = 1\\n"', '"\\n"', '"y = 2\\n"', '"z = 3"'}


def test_bytes_bound_the_source_value():
    """A cell's bytes are its source value in the JSON, after characters of several bytes too."""
    raw = b"\xef\xbb\xbf" + as_bytes(document(cell(["é☃ = 1"]), cell("y = 2")))

    notebook = parse_ipynb(raw, "n.ipynb")

    assert [json.loads(raw[c.start : c.end]) for c in notebook.cells] == [["é☃ = 1"], "y = 2"]
    assert notebook.to_bytes() == raw


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (as_bytes(document(cell(["a = 1\n", "b = 2"]), cell(["c = 3"])), indent=None), "minified"),
        (as_bytes(document(cell("a = 1\nb = 2"), cell("c = 3"))), "one string"),
        (as_bytes(document(cell(["a = 1\nb = 2"]), cell(["c = 3"]))), "two lines in an item"),
        (as_bytes(document(cell(["a = 1", "\nb = 2"]), cell(["c = 3"]))), "a line in two items"),
    ],
)
def test_lines_are_counted_through_where_the_json_has_none(raw, why):
    """Where the JSON has no line for each source line, the lines are counted through the cells."""
    notebook = parse_ipynb(raw, "n.ipynb")

    assert not notebook.exact_lines, why
    assert [(c.source, c.first_line, c.last_line) for c in notebook.cells] == [("a = 1\nb = 2", 1, 2), ("c = 3", 3, 3)]


def test_single_lines_are_exact_in_any_style():
    """A cell of one line has that line in the JSON, written as text or as a list."""
    raw = as_bytes(document(cell("a = 1"), cell(["b = 2"])))

    notebook = parse_ipynb(raw, "n.ipynb")

    assert notebook.exact_lines
    assert ["a = 1" in line_of(raw, notebook.cells[0].first_line), "b = 2" in line_of(raw, notebook.cells[1].first_line)] == [
        True,
        True,
    ]


def test_markdown_in_another_style_costs_no_lines():
    """A markdown cell that isn't written line by line leaves the code its lines."""
    notebook = parse_ipynb(as_bytes(document(cell("a\nb\nc", "markdown"), cell(["x = 1\n", "y = 2"]))), "n.ipynb")

    assert notebook.exact_lines
    assert notebook.cells[0].last_line < notebook.cells[1].first_line


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_json_with_other_line_ends(newline):
    """CRLF and CR in the JSON text are line ends like any other."""
    raw = as_bytes(document(cell(["x = 1\n", "y = 2"])))

    notebook = parse_ipynb(raw.replace(b"\n", newline.encode()), "n.ipynb")

    assert (notebook.exact_lines, notebook.cells[0].first_line) == (True, parse_ipynb(raw, "n.ipynb").cells[0].first_line)


def test_crlf_inside_the_source_is_one_line_end():
    """CRLF inside the source strings is shown as a plain line end."""
    notebook = parse_ipynb(as_bytes(document(cell(["x = 1\r\n", "y = 2"]))), "n.ipynb")

    assert (notebook.cells[0].source, notebook.exact_lines) == ("x = 1\ny = 2", True)


def test_lone_return_inside_the_source_has_no_line_of_its_own():
    """A lone CR ends a line for Python, which the JSON shows as none."""
    notebook = parse_ipynb(as_bytes(document(cell(["x = 1\ry = 2\n", "z = 3"]))), "n.ipynb")

    assert (notebook.cells[0].source, notebook.exact_lines) == ("x = 1\ny = 2\nz = 3", False)


def test_odd_separators_inside_the_source_shift_no_line():
    """Characters that str.splitlines takes for line ends count no line."""
    notebook = parse_ipynb(as_bytes(document(cell(["x = 'a\u2028\x0cb'\n", "y = 2"]))), "n.ipynb")

    assert (notebook.exact_lines, notebook.cells[0].last_line - notebook.cells[0].first_line) == (True, 1)


def test_titles_come_from_the_cell_metadata():
    """The title is the one that Databricks writes to the cell's metadata."""
    raw = as_bytes(document(cell(["x"], **{"application/vnd.databricks.v1+cell": {"title": "Load, clean"}}), cell(["y"])))

    notebook = parse_ipynb(raw, "n.ipynb")

    assert [c.title for c in notebook.cells] == ["Load, clean", None]


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({}, "python"),
        ({DATABRICKS: {"language": "sql"}, "kernelspec": {"language": "python"}}, "sql"),
        ({"kernelspec": {"language": "scala"}}, "scala"),
        ({"kernelspec": {"name": "python3"}}, "python"),
        ({"language_info": {"name": "R"}}, "r"),
        ({"kernelspec": {"language": "julia"}}, "unknown"),
        ({DATABRICKS: None, "kernelspec": "odd"}, "python"),
    ],
)
def test_default_language_comes_from_the_metadata(metadata, language):
    """Databricks' own metadata names the language, else the kernel's; none of ours is unknown."""
    notebook = parse_ipynb(as_bytes(document(cell(["x"]), **metadata)), "n.ipynb")

    assert (notebook.language, notebook.cells[0].language) == (language, language)
    assert bool(notebook.problems) is (language == "unknown")


@pytest.mark.parametrize(("named", "taken"), [(["a", "b", 1], ("a", "b")), (None, ()), ("a", ())])
def test_dependencies_come_from_the_metadata(named, taken):
    """The packages of a serverless notebook are read where they are a list."""
    raw = as_bytes(document(cell(["x"]), **{DATABRICKS: {"environmentMetadata": {"dependencies": named}}}))

    assert parse_ipynb(raw, "n.ipynb").dependencies == taken


def test_markdown_and_raw_cells_are_text():
    """Markdown and raw cells give no Python, whatever they hold."""
    notebook = parse_ipynb(as_bytes(document(cell(["x = 1"], "markdown"), cell(["x = 1"], "raw"))), "n.ipynb")

    assert [(c.language, python_text(c)) for c in notebook.cells] == [("markdown", None), ("markdown", None)]


def test_magics_have_the_lines_of_the_json():
    """A magic's line is that of the JSON text."""
    raw = as_bytes(document(cell(["x = 1\n", "%run ./a"])))

    magic = parse_ipynb(raw, "n.ipynb").cells[0].magics[0]

    assert "%run ./a" in line_of(raw, magic.line)


@pytest.mark.parametrize("source", [1, ["x", 1], {"a": "b"}, "x = '\0'", ["x = '\\ud800'"]])
def test_unusable_cell_costs_only_itself(source):
    """A cell whose source is no text, or holds what no source can, is unknown and told; the others stay."""
    raw = as_bytes(document(cell(["a"]), cell(source), cell(["b"]))).replace(b"\\\\ud800", b"\\ud800")

    notebook = parse_ipynb(raw, "n.ipynb")

    assert [c.language for c in notebook.cells] == ["python", "unknown", "python"]
    assert [(p.code, p.location.cell) for p in notebook.problems] == [("NBH102", 2)]


def test_cell_without_source_is_empty():
    """A cell that lacks its source is an empty one that can't be written."""
    notebook = parse_ipynb(as_bytes(document({"cell_type": "code"}, cell(["x"]))), "n.ipynb")

    with pytest.raises(CellWriteError) as caught:
        replace_cell(notebook, 1, "y")

    assert [c.source for c in notebook.cells] == ["", "x"]
    assert str(caught.value) == (
        "n.ipynb (cell 1): NBH113 the cell has no place in the file to write to\n"
        "  cause: the notebook has an old format, or the cell no 'source'\n"
        "  mend:  open the notebook in Jupyter once and save it\n"
        "  more:  docs/errors.md#nbh113"
    )


def test_old_format_is_converted():
    """A notebook of nbformat 3 gives its cells, without lines of their own."""
    old = {
        "metadata": {"name": ""},
        "nbformat": 3,
        "nbformat_minor": 0,
        "worksheets": [
            {
                "cells": [
                    {"cell_type": "heading", "level": 1, "metadata": {}, "source": ["T"]},
                    {
                        "cell_type": "code",
                        "collapsed": False,
                        "input": ["x = 1\n", "y = 2"],
                        "language": "python",
                        "outputs": [],
                    },
                ]
            }
        ],
    }

    notebook = parse_ipynb(as_bytes(old), "n.ipynb")

    assert [(c.language, c.source) for c in notebook.cells] == [("markdown", "# T"), ("python", "x = 1\ny = 2")]
    assert not notebook.exact_lines


@pytest.mark.parametrize(
    ("text", "location", "cause"),
    [
        ('{\n "cells": [\n<<<<<<< HEAD\n', "n.ipynb:3", "expecting a cell, which is an object (line 3, column 1)"),
        ("", "n.ipynb:1", "expecting value (line 1, column 1)"),
        ('{"cells": [1]}', "n.ipynb:1", "expecting a cell, which is an object (line 1, column 12)"),
        ('{"cells": []} x', "n.ipynb:1", "extra data (line 1, column 15)"),
        ('{"cells": [{}', "n.ipynb:1", "expecting ',' delimiter (line 1, column 14)"),
        ('{"a" 1}', "n.ipynb:1", "expecting ':' delimiter (line 1, column 6)"),
        ("{1}", "n.ipynb:1", "expecting property name enclosed in double quotes (line 1, column 2)"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "n.ipynb", "it is nested too deeply"),
    ],
)
def test_broken_json_shows_its_place(text, location, cause):
    """Text that isn't JSON is refused with the place that breaks it."""
    with pytest.raises(NotebookReadError) as caught:
        parse_ipynb(text.encode(), "n.ipynb")

    assert str(caught.value) == (
        f"{location}: NBH100 the notebook is not valid JSON\n"
        f"  cause: {cause}\n"
        "  mend:  mend the JSON, or take the last version that opens; a merge may have left its marks in it\n"
        "  more:  docs/errors.md#nbh100"
    )


def test_number_beyond_python_is_refused():
    """A number of more digits than Python converts is no crash."""
    with pytest.raises(NotebookReadError):
        parse_ipynb(b'{"cells": [], "metadata": {"n": ' + b"9" * 5000 + b"}}", "n.ipynb")


@pytest.mark.parametrize("text", ["[]", "{}", "1", '{"cells": 1}', '"cells"'])
def test_other_json_is_no_notebook(text):
    """JSON without a list of cells is refused."""
    with pytest.raises(NotANotebookError) as caught:
        parse_ipynb(text.encode(), "n.ipynb")

    assert str(caught.value) == (
        "n.ipynb: NBH101 the file is not a Jupyter notebook\n"
        "  cause: its JSON has no list of cells\n"
        "  mend:  check what the file is; a notebook's JSON is an object with the list 'cells'\n"
        "  more:  docs/errors.md#nbh101"
    )


def test_foreign_bytes_show_their_place():
    """Bytes that aren't UTF-8 are refused with their offset and line."""
    with pytest.raises(NotebookReadError) as caught:
        parse_ipynb(b'{\n"cells": ["\xe9"]}', "n.ipynb")

    assert str(caught.value) == (
        "n.ipynb:2: NBH100 the notebook is not UTF-8 text\n"
        "  cause: byte 0xe9 at offset 13 (line 2): invalid continuation byte\n"
        "  mend:  save the file as UTF-8, which is what Jupyter notebooks are\n"
        "  more:  docs/errors.md#nbh100"
    )


def test_broken_old_format_is_refused():
    """An old notebook that nbformat can't convert is refused as unreadable."""
    with pytest.raises(NotebookReadError, match="the old Jupyter notebook can't be converted"):
        parse_ipynb(b'{"worksheets": [1], "nbformat": 3, "nbformat_minor": 0, "metadata": {}}', "n.ipynb")


@pytest.mark.parametrize("indent", [1, 2, 4, "\t", None])
@pytest.mark.parametrize("old", [["x = 1\n", "y = 2"], ["x = 1"], [], "x = 1\ny = 2"])
def test_replaced_cell_keeps_the_style(indent, old):
    """A cell is written as the JSON's own writer would have written it."""
    before = document(cell(["a\n", "b"]), cell(old), cell(["c"]))
    new = "é = 1\n\nz = 3" if isinstance(old, str) else ["é = 1\n", "\n", "z = 3"]
    after = document(cell(["a\n", "b"]), cell(new), cell(["c"]))

    changed = replace_cell(parse_ipynb(as_bytes(before, indent), "n.ipynb"), 2, "é = 1\n\nz = 3")

    assert changed.raw == as_bytes(after, indent)


def test_escapes_stay_escapes():
    """A file that escapes what isn't ASCII goes on doing so."""
    notebook = parse_ipynb(json.dumps(document(cell(["x = 'é'"]))).encode(), "n.ipynb")

    changed = replace_cell(notebook, 1, "x = 'ü'")

    assert b"\\u00fc" in changed.raw
    assert changed.cells[0].source == "x = 'ü'"


def test_cell_can_be_emptied():
    """An empty text is an empty list."""
    notebook = parse_ipynb(as_bytes(document(cell(["x = 1"]))), "n.ipynb")

    changed = replace_cell(notebook, 1, "")

    assert changed.raw == as_bytes(document(cell([])))
