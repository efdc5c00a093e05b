"""``load_notebook``, as it is called outside pytest and with mistakes."""

from __future__ import annotations

import sys

import pytest

from harness.errors import NotebookReadError, SettingsError, UnknownValueError
from harness.extract.public import find_notebook, load_notebook, release, use


@pytest.fixture
def here(project, monkeypatch):
    """The project as the current folder, with nobody's loader but its own in use."""
    monkeypatch.chdir(project.folder)
    use(project.loader)
    yield project
    release(project.loader)


def test_notebook_is_loaded_by_its_path(here):
    """From the current folder, with the values given."""
    here.write("nbs/etl.py", "n = len(open('never').read())", "def f():\n    return n")

    module = load_notebook("nbs/etl.py", values={"n": 3})

    assert module.f() == 3


def test_widget_values_are_the_notebooks_own(here):
    """Each is a text, and wins over the test's."""
    here.write(
        "etl.py", 'day, hour = dbutils.widgets.get("day"), dbutils.widgets.get("hour")', "def f():\n    return day, hour"
    )

    module = load_notebook("etl.py", widgets={"day": "1", "hour": "2"})

    with here.test({"day": "9"}):
        assert module.f() == ("1", "2")


def test_widget_that_is_no_text_is_refused(here):
    """Databricks knows only strings."""
    here.write("etl.py", "a = 1")

    with pytest.raises(SettingsError, match="widgets are strings") as caught:
        load_notebook("etl.py", widgets={"n": 3})

    assert caught.value.mend == 'write widgets={"n": "3"}'


@pytest.mark.parametrize(("name", "mend"), [("rows_", "did you mean 'rows'?"), ("zzzz", "leave the name out of values")])
def test_value_for_an_unknown_name_is_refused(here, name, mend):
    """It would change nothing; no half-loaded module stays behind."""
    here.write("etl.py", "rows = [1]", "def f():\n    return rows")
    before = set(sys.modules)

    with pytest.raises(UnknownValueError, match=f"'{name}'") as caught:
        load_notebook("etl.py", values={name: []})

    assert caught.value.mend == mend
    assert set(sys.modules) == before


@pytest.mark.parametrize(
    ("path", "mend"),
    [
        ("nbs/elt.py", "did you mean 'nbs/etl.py'?"),
        ("nbs/etl", "did you mean 'nbs/etl.py'?"),
        ("nbs/zzzzzz.scala", "give the path from the root of the project; `nbh list` shows the notebooks"),
        ("no_folder/etl.py", "give the path from the root of the project; `nbh list` shows the notebooks"),
    ],
)
def test_path_that_names_no_file_is_told(here, path, mend):
    """With what was probably meant."""
    here.write("nbs/etl.py", "a = 1")

    with pytest.raises(NotebookReadError, match="there is no such notebook") as caught:
        load_notebook(path)

    assert caught.value.mend == mend


def test_notebook_is_found_beside_a_file_and_from_the_root(here, monkeypatch, tmp_path_factory):
    """Whatever the current folder is; the message names both places."""
    here.write("nbs/etl.py", "a = 1")
    expected = str(here.folder / "nbs" / "etl.py")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))

    assert find_notebook("nbs/etl.py", here.loader) == expected
    assert find_notebook("etl.py", here.loader, beside=str(here.folder / "nbs" / "test_etl.py")) == expected
    with pytest.raises(NotebookReadError, match=r"neither below .* nor beside test_etl\.py"):
        find_notebook("gone.py", here.loader, beside=str(here.folder / "nbs" / "test_etl.py"))


def test_loader_is_released_once(here):
    """Also if its run ends twice."""
    release(here.loader)

    release(here.loader)

    here.write("etl.py", "a = 1")
    assert load_notebook("etl.py").__units__.loader is not here.loader
