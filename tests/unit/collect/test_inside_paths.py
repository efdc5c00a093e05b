from __future__ import annotations

import pytest

from harness.collect import inside
from harness.runtime.around import Around, NotebooksDbutils


class Call:
    """Answers each call with itself, and the last one with a text: as the runtime's context does."""

    def __init__(self, answer):
        self._answer = answer

    def __getattr__(self, name):
        return lambda: self._answer if name == "get" else self


class Dbutils:
    """As much of a runtime's own as is asked for here."""

    def __init__(self, path):
        self.notebook = self
        self.library = self
        self.entry_point = Call(path)
        self.fs = "files"

    def run(self, path):
        """What the real one would do."""
        return f"ran {path}"


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A workspace with a notebook's folder, and a shell that works elsewhere."""
    (tmp_path / "Users" / "me" / "tests").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(inside, "_WORKSPACE", str(tmp_path))
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path


def test_paths_count_from_the_notebook_where_cells_work_elsewhere(workspace):
    """As on serverless compute; the context's path may begin with /Workspace or not."""
    folder = str(workspace / "Users" / "me")

    for path in ("/Users/me/n", f"{folder}/n"):
        assert inside._folder(["tests", "-k", "x"], Around(None, Dbutils(path), "17.3")) == folder
        assert inside._folder(["tests/test_a.py::test_b"], Around(None, Dbutils(path), "17.3")) == str(workspace / "elsewhere")


def test_paths_that_are_here_count_from_here(workspace):
    """A cell before may have changed directory on purpose; without a context there is nothing else."""
    here = str(workspace / "elsewhere")
    (workspace / "elsewhere" / "tests").mkdir()

    assert inside._folder(["tests"], Around(None, Dbutils("/Users/me/n"), "17.3")) == here
    assert inside._folder(["nowhere"], Around(None, Dbutils("/Users/me/n"), "17.3")) == here
    assert inside._folder(["tests"], Around(None, object(), "17.3")) == here
    assert inside._folder([], None) == here


def test_a_notebooks_dbutils_in_a_test():
    """The notebook's own, but for widgets, secrets, and what would end it."""
    dbutils = NotebooksDbutils(Dbutils("/n"), ask=lambda what, **asked: f"{what} of {asked}", widgets={"a": "1"})

    assert dbutils.widgets.get("a") == "1"
    assert dbutils.fs == "files"
    assert dbutils.secrets.get("s", "k") == "secret of {'scope': 's', 'key': 'k'}"
    assert dbutils.notebook.run("./other") == "ran ./other"
    with pytest.raises(Exception, match=r"NBH350 dbutils.notebook.exit is not served"):
        dbutils.notebook.exit("ok")
    with pytest.raises(Exception, match=r"NBH350 dbutils.library.restartPython is not served"):
        dbutils.library.restartPython()
    with pytest.raises(AttributeError):
        _ = dbutils.nothing


@pytest.mark.parametrize("arguments", [("tests", "--databricks-env=pps"), ("--databricks-env", "pps")])
def test_another_environment_is_refused(arguments):
    """Nothing would be run there."""
    with pytest.raises(ValueError, match="leave --databricks-env out"):
        inside.run_tests(*arguments)
