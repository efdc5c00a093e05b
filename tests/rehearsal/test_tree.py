"""The workspace's tree, by itself."""

from __future__ import annotations

import pytest

from harness.rehearsal.answers import ApiError
from harness.rehearsal.clock import Clock
from harness.rehearsal.tree import Tree, plain


@pytest.fixture
def tree(tmp_path):
    """An empty tree."""
    return Tree(tmp_path, Clock(), ["me@example.com"])


def notebook(tree, path, content=b"# Databricks notebook source\n", **more):
    """Write a notebook."""
    return tree.write(path, content, kind="NOTEBOOK", language="PYTHON", form="SOURCE", **more)


@pytest.mark.parametrize(
    ("path", "wanted"),
    [("/Workspace/Shared/x/", "/Shared/x"), ("//Shared//x", "/Shared/x"), ("/Workspace", "/"), ("/Workspaces", "/Workspaces")],
)
def test_paths_have_one_form(path, wanted):
    """With ``/Workspace`` or without, a path is the same."""
    assert plain(path) == wanted


@pytest.mark.parametrize("path", ["Shared/x", "", "/Shared/../../etc/passwd"])
def test_a_path_that_leads_out_is_refused(path):
    """No path reaches what isn't the workspace's."""
    with pytest.raises(ApiError) as caught:
        plain(path)

    assert caught.value.code == "INVALID_PARAMETER_VALUE"


def test_a_notebook_lies_on_disk_with_its_suffix(tree, tmp_path):
    """So that it can be run from there; the tree names it without."""
    item = notebook(tree, "/Shared/etl")

    assert tree.on_disk(item) == tmp_path / "Shared" / "etl.py"
    assert [one.path for one in tree.children(tree.find("/Shared"))] == ["/Shared/etl"]


def test_overwriting_in_the_other_form_leaves_one_file(tree, tmp_path):
    """A notebook that comes back as .ipynb is the same notebook."""
    first = notebook(tree, "/Shared/etl")

    second = tree.write("/Shared/etl", b"{}", kind="NOTEBOOK", language="PYTHON", form="JUPYTER", overwrite=True)

    assert second.id == first.id
    assert [path.name for path in (tmp_path / "Shared").iterdir()] == ["etl.ipynb"]


def test_a_file_does_not_become_a_notebook(tree):
    """Not even when it may be overwritten."""
    tree.write("/Shared/etl", b"", kind="FILE")

    with pytest.raises(ApiError, match="type mismatch"):
        notebook(tree, "/Shared/etl", overwrite=True)


def test_a_notebook_beside_a_file_of_its_name_is_refused_loudly(tree):
    """``x`` and ``x.py``: on this machine they would be one file."""
    tree.write("/Shared/etl.py", b"", kind="FILE")

    with pytest.raises(ApiError) as caught:
        notebook(tree, "/Shared/etl")

    assert caught.value.status == 501


def test_a_full_folder_goes_only_with_what_is_in_it(tree, tmp_path):
    """And the folders that each workspace has stay."""
    tree.make_folders("/Shared/a/b")
    notebook(tree, "/Shared/a/b/etl")

    with pytest.raises(ApiError, match="not empty"):
        tree.remove("/Shared/a", recursive=False)
    tree.remove("/Shared/a", recursive=True)

    assert not (tmp_path / "Shared" / "a").exists()
    with pytest.raises(ApiError):
        tree.find("/Shared/a/b/etl")
    with pytest.raises(ApiError):
        tree.remove("/Shared", recursive=True)


def test_what_a_notebook_writes_by_its_path_is_there(tree, tmp_path):
    """A file of the workspace, with its size; a notebook's own file on this machine is no second thing."""
    notebook(tree, "/Shared/etl")
    (tmp_path / "Shared" / "out.json").write_text("{}")

    assert [(one.path, one.kind, one.size) for one in tree.children(tree.find("/Shared"))] == [
        ("/Shared/etl", "NOTEBOOK", 29),
        ("/Shared/out.json", "FILE", 2),
    ]
    (tmp_path / "Shared" / "more.json").write_text("[1]")
    assert tree.find("/Workspace/Shared/more.json").size == 3
    assert tree.find("/Shared/more.json").id == tree.find("/Shared/more.json").id
    with pytest.raises(ApiError):
        tree.find("/Shared/etl.py")
