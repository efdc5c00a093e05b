"""Compiled statements and their cache: what can't be compiled, and what the cache folder may go through."""

from __future__ import annotations

import sys
import warnings

import pytest

from harness.errors import UnitChangedError
from harness.extract.build import build, extract
from harness.extract.load import Loader
from harness.notebook import read_notebook


@pytest.fixture
def caching(monkeypatch):
    """Let caches be written, beside the notebooks."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)


def cache_of(project):
    """The one cache file of the project's notebook."""
    (file,) = (project.folder / "__pycache__").iterdir()
    return file


class Rewriter:
    """Rewrites nothing, or fails."""

    tag = "fake"

    def __init__(self, error=None):
        self.error = error

    def __call__(self, tree, source, path):
        """Take a module's tree."""
        if self.error is not None:
            raise self.error


def test_notebook_that_changed_since_it_was_loaded_refuses_values(project):
    """Statements of another text must never be run for the names of this one."""
    module = project.load("n = len('abc')", "def f():\n    return n")
    project.write("notebook.py", "n = len('abcd')  # changed", "def f():\n    return n")

    with project.test(), pytest.raises(UnitChangedError, match="changed on disk"):
        module.f()


@pytest.mark.parametrize(("line", "cell", "cell_line"), [(1, None, None), (2, 1, 1), (7, 2, 2)])
def test_line_is_located_in_its_cell(project, line, cell, cell_line):
    """A line that no cell holds, such as the header, is located by itself."""
    source = project.load("a = 1", "b = 2\nc = 3").__units__.source

    place = source.locate(line)

    assert (place.line, place.cell, place.cell_line) == (line, cell, cell_line)


def test_failing_rewriter_costs_only_the_details_of_asserts(project):
    """The notebook is compiled as it is, and a warning says what is missing."""
    path = project.write("notebook.py", "def f(x):\n    assert x\n    return x")

    with pytest.warns(UserWarning, match=r"asserts in .*notebook\.py are shown without details: .*private"):
        built = build(read_notebook(str(path)), rewriter=Rewriter(RuntimeError("private")))

    assert [row.binds for row in built.rows] == [("f",)]


def test_what_only_the_compiler_refuses_costs_only_its_statement(project):
    """It is told with its place, and its neighbours are used."""
    module = project.load("class Box:\n    pass", "A = 1\ndef f():\n    nonlocal x\ndef g():\n    return A")

    (problem,) = module.__units__.problems

    assert (problem.code, problem.location.cell, problem.location.line) == ("NBH102", 2, 9)
    assert problem.cause == "no binding for nonlocal 'x' found"
    assert module.g() == 1


def test_annotations_stay_text_where_the_notebook_says_so(project):
    """``from __future__ import annotations`` holds: a type that isn't there is no hindrance."""
    module = project.load("from __future__ import annotations", "def f(x: NoSuchType) -> AlsoNone:\n    return x")

    assert module.f(1) == 1
    assert module.f.__annotations__["x"] == "NoSuchType"


@pytest.mark.usefixtures("caching")
def test_second_run_reads_the_cache(project):
    """Functions, problems and their places are those of the first run."""
    cells = ("if True", "def f():\n    return 1", "n = len('abc')")
    first = project.load(*cells).__units__
    cache_of(project)

    second = Loader(str(project.folder)).load(first.path)

    assert second.f() == 1
    assert second.__units__.problems == first.problems
    assert second.__units__.source.held == first.source.held


@pytest.mark.usefixtures("caching")
def test_damaged_cache_is_not_used(project):
    """A bit that flipped on disk would otherwise become other code."""
    path = project.load("def f():\n    return 1").__units__.path
    cache = cache_of(project)
    data = bytearray(cache.read_bytes())
    data[-1] ^= 1
    cache.write_bytes(data)

    again = Loader(str(project.folder)).load(path)

    assert again.f() == 1
    assert cache.read_bytes() != bytes(data)


@pytest.mark.usefixtures("caching")
def test_cache_goes_where_python_is_told_to_put_its_own(project, tmp_path_factory, monkeypatch):
    """``PYTHONPYCACHEPREFIX`` holds for notebooks too, and nothing is written beside them."""
    prefix = tmp_path_factory.mktemp("prefix")
    monkeypatch.setattr(sys, "pycache_prefix", str(prefix))

    project.load("def f():\n    return 1")

    assert [file.name.partition(".py")[0] for file in prefix.rglob("*.pyc")] == ["notebook"]
    assert [file.name for file in project.folder.iterdir()] == ["notebook.py"]


@pytest.mark.usefixtures("caching")
def test_cache_folder_that_cannot_be_written_costs_only_the_cache(project):
    """Here a file is in its place."""
    (project.folder / "__pycache__").write_text("in the way")

    module = project.load("def f():\n    return 1")

    assert module.f() == 1


@pytest.mark.usefixtures("caching")
def test_rewritten_and_plain_code_have_caches_of_their_own(project):
    """A run with plain asserts never executes what another run rewrote."""
    path = str(project.write("notebook.py", "def f(x):\n    assert x"))

    with warnings.catch_warnings():
        extract(path)
        extract(path, rewriter=Rewriter())

    assert len(list((project.folder / "__pycache__").iterdir())) == 2


def test_file_that_is_gone_has_no_cache(project):
    """A notebook removed since its place was noted is told as missing, not read from memory."""
    module = project.load("n = len('abc')", "def f():\n    return n")
    (project.folder / "notebook.py").unlink()

    with project.test(), pytest.raises(UnitChangedError):
        module.f()
