"""Modules that a project keeps where its notebooks' imports don't look."""

from __future__ import annotations

import pytest

from harness.errors import PlaceholderError, UnresolvedNameError
from harness.extract.off_path import off_path


@pytest.fixture
def keep(tmp_path):
    """Write empty files into the project."""

    def make(*names):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text("")
        return str(tmp_path)

    return make


@pytest.mark.parametrize(
    ("module", "folder"),
    [
        ("shop", "src"),
        ("shop.io", "src"),
        ("shop.other", None),
        ("rates", "team/lib"),
        ("twice", "a"),
        ("hidden", None),
        ("outside", None),
        ("empty", None),
    ],
)
def test_folder_of_a_module(keep, module, folder):
    """The nearest to the root; what is nobody's own isn't looked into."""
    root = keep(
        "src/shop/io.py",
        "team/lib/rates.py",
        "b/c/twice.py",
        "a/twice.py",
        ".x/hidden.py",
        "env/pyvenv.cfg",
        "env/lib/outside.py",
        "src/empty/notes.md",
    )

    assert off_path(module, root) == folder


def test_placeholder_says_where_the_module_is(project):
    """Not to install a package of that name, which would be somebody else's."""
    (project.folder / "src" / "shop_lib").mkdir(parents=True)
    (project.folder / "src" / "shop_lib" / "io.py").write_text("")
    module = project.load(
        "from shop_lib.io import read\nfrom shop_lib.rates import *", "def f():\n    return read()", "def g():\n    return RATE"
    )
    where = r'it is in src, which isn\'t on the path: pythonpath = \["src"\] under \[tool\.pytest\.ini_options\]'

    with pytest.raises(PlaceholderError, match=where + r", or give it a value: values=\{'read'"):
        module.f()
    with pytest.raises(UnresolvedNameError, match=where):
        module.g()


def test_placeholder_of_a_module_at_the_project_s_root(project):
    """A notebook in another folder finds it on Databricks in a Git folder alone; it is none to be installed either."""
    (project.folder / "root_lib").mkdir()
    (project.folder / "root_lib" / "__init__.py").write_text("")
    (project.folder / "nbs").mkdir()
    module = project.load("from root_lib import read", "def f():\n    return read()", name="nbs/notebook.py")

    with pytest.raises(PlaceholderError, match=r'on the path where that is a Git folder: pythonpath = \["\."\] under'):
        module.f()


def test_placeholder_of_a_module_that_the_project_has_not(project):
    """Is one to be installed."""
    module = project.load("from nowhere_lib.io import read", "def f():\n    return read()")

    with pytest.raises(PlaceholderError, match="mend:  install nowhere_lib, or give it a value"):
        module.f()


def test_placeholder_of_a_part_that_a_package_has_not(project):
    """What the package is called that brings it isn't known: its name is no part of the module's, as in ``databricks``."""
    module = project.load("from concurrent.nowhere.client import read", "def f():\n    return read()")

    with pytest.raises(PlaceholderError, match=r"mend:  install what brings concurrent\.nowhere, or give it a value"):
        module.f()
