from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from harness.errors import ArchiveError, CellNotFoundError, NotANotebookError, NotebookReadError
from harness.notebook import files, parse_source, read_notebook, replace_cell

HEADER = "# Databricks notebook source\n"
needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")


@pytest.mark.parametrize(
    ("name", "text", "kind", "language"),
    [
        ("n.py", HEADER, "source", "python"),
        ("n.sql", "-- Databricks notebook source", "source", "sql"),
        ("n.scala", "// Databricks notebook source", "source", "scala"),
        ("n.R", HEADER, "source", "r"),
        ("n.ipynb", '{"cells": []}', "ipynb", "python"),
        ("größe ☃ 'x'.py", HEADER, "source", "python"),
    ],
)
def test_suffix_tells_the_format(tmp_path, name, text, kind, language):
    """A notebook is read in the format that its suffix names."""
    (tmp_path / name).write_text(text, encoding="utf-8")

    notebook = read_notebook(str(tmp_path / name))

    assert (notebook.format, notebook.language, notebook.path) == (kind, language, tmp_path / name)
    assert notebook.to_bytes() == text.encode()


def test_headerless_is_handed_on(tmp_path):
    """A file without a header is read on request."""
    (tmp_path / "n.py").write_text("x = 1\n# COMMAND ----------\n", encoding="utf-8")

    notebook = read_notebook(tmp_path / "n.py", headerless=True)

    assert len(notebook.cells) == 2


def test_archive_names_its_own_reader():
    """An archive given as one notebook is refused with the function that reads it."""
    with pytest.raises(ArchiveError) as caught:
        read_notebook("a/b.dbc")

    assert str(caught.value) == (
        "a/b.dbc: NBH103 an archive is not one notebook\n"
        "  cause: a .dbc file holds any number of notebooks\n"
        "  mend:  read_archive('a/b.dbc') gives them all\n"
        "  more:  docs/errors.md#nbh103"
    )


@pytest.mark.parametrize(("name", "cause"), [("n.txt", "its name ends in '.txt'"), ("n", "its name has no suffix")])
def test_other_suffix_is_refused(name, cause):
    """A file of another kind is refused with the suffixes that are known."""
    with pytest.raises(NotANotebookError) as caught:
        read_notebook(name)

    assert str(caught.value) == (
        f"{name}: NBH101 the file is not a Databricks notebook\n"
        f"  cause: {cause}\n"
        "  mend:  name a file that ends in .py, .sql, .scala, .r, .ipynb or .dbc\n"
        "  more:  docs/errors.md#nbh101"
    )


def test_missing_file_shows_its_path(tmp_path):
    """A file that isn't there is refused in our words."""
    path = tmp_path / "n.py"

    with pytest.raises(NotebookReadError) as caught:
        read_notebook(path)

    assert str(caught.value) == (
        f"{path.as_posix()}: NBH100 the notebook can't be read\n"
        "  cause: no such file or directory\n"
        "  mend:  check the path; it counts from the folder where the command runs\n"
        "  more:  docs/errors.md#nbh100"
    )


@pytest.mark.parametrize("suffix", [".py", ".ipynb"])
def test_folder_is_refused(tmp_path, suffix):
    """A folder named like a notebook is refused as a folder."""
    path = tmp_path / f"n{suffix}"
    path.mkdir()

    with pytest.raises(NotebookReadError, match=r"it is a folder|permission denied"):
        read_notebook(path)


@needs_pipes
def test_named_pipe_does_not_hang(tmp_path):
    """A named pipe is refused at once, though nobody writes to it."""
    path = tmp_path / "n.py"
    os.mkfifo(path)

    with pytest.raises(NotebookReadError) as caught:
        read_notebook(path)

    assert str(caught.value) == (
        f"{path.as_posix()}: NBH100 the notebook can't be read\n"
        "  cause: it is a named pipe\n"
        "  mend:  name a notebook file\n"
        "  more:  docs/errors.md#nbh100"
    )


def test_link_loop_is_refused(tmp_path):
    """Links that lead to each other are refused."""
    path = tmp_path / "a.py"
    path.symlink_to(tmp_path / "b.py")
    (tmp_path / "b.py").symlink_to(path)

    with pytest.raises(NotebookReadError, match="symbolic links"):
        read_notebook(path)


def test_refused_permission_has_its_mend(monkeypatch):
    """A file that may not be read says how to mend that."""

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.os, "open", refuse)

    with pytest.raises(NotebookReadError) as caught:
        read_notebook("n.py")

    assert str(caught.value) == (
        "n.py: NBH100 the notebook can't be read\n"
        "  cause: permission denied\n"
        "  mend:  allow reading it, or leave it out\n"
        "  more:  docs/errors.md#nbh100"
    )


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file_is_refused(tmp_path):
    """A file without the right to read it is refused."""
    path = tmp_path / "n.py"
    path.write_text(HEADER, encoding="utf-8")
    path.chmod(stat.S_IWUSR)

    with pytest.raises(NotebookReadError, match="permission denied"):
        read_notebook(path)


def test_path_with_nul_is_refused():
    """A path that no system can open is refused like any other."""
    with pytest.raises(NotebookReadError, match="null"):
        read_notebook("a\0b.py")


def test_device_is_refused(tmp_path):
    """A device behind a notebook's name is refused."""
    if not Path("/dev/zero").exists():
        pytest.skip("this system has no /dev/zero")
    (tmp_path / "n.py").symlink_to("/dev/zero")

    with pytest.raises(NotebookReadError, match="it is a device"):
        read_notebook(tmp_path / "n.py")


def test_too_large_file_shows_its_size(tmp_path):
    """A file above the limit is refused before it is read."""
    path = tmp_path / "n.ipynb"
    path.write_bytes(b" " * 2000)

    with pytest.raises(NotebookReadError) as caught:
        read_notebook(path, max_bytes=1000)

    assert str(caught.value) == (
        f"{path.as_posix()}: NBH100 the notebook is too large to read\n"
        "  cause: it has 2,000 bytes, and 1,000 are allowed\n"
        "  mend:  clear its outputs, or raise max_bytes\n"
        "  more:  docs/errors.md#nbh100"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_file_that_hides_its_size_is_limited(tmp_path):
    """A file that says it is empty is limited by what it gives."""
    (tmp_path / "n.py").symlink_to("/proc/self/status")

    with pytest.raises(NotebookReadError, match="too large"):
        read_notebook(tmp_path / "n.py", max_bytes=10)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (HEADER + "x\n# COMMAND ----------\ny", "its cells are numbered 1 to 2"),
    ],
)
@pytest.mark.parametrize("number", [0, 3, -1])
def test_missing_cell_shows_the_numbers(text, cause, number):
    """A cell number that the notebook lacks is refused with those it has."""
    notebook = parse_source(text.encode(), "n.py")

    with pytest.raises(CellNotFoundError) as caught:
        replace_cell(notebook, number, "z")

    assert str(caught.value) == (
        f"n.py: NBH108 the notebook has no cell {number}\n"
        f"  cause: {cause}\n"
        "  mend:  number the cells as on the notebook's screen, markdown too\n"
        "  more:  docs/errors.md#nbh108"
    )


def test_same_text_changes_nothing():
    """A cell replaced by its own text is the same notebook, whatever its style."""
    notebook = parse_source(f"{HEADER}# MAGIC %md\n\n# MAGIC x".encode(), "n.py")

    assert replace_cell(notebook, 1, notebook.cells[0].source) is notebook
