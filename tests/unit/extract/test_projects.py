"""Which modules of an earlier project stay visible to the next one's tests."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from harness.extract.projects import Views


@pytest.fixture
def two_projects(tmp_path, monkeypatch):
    """A test file in each of two projects; ``sys.modules`` is put back at the end."""
    monkeypatch.setattr(sys, "modules", sys.modules.copy())
    for name in ("north", "south"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pyproject.toml").write_text("")
    return str(tmp_path / "north" / "test_it.py"), str(tmp_path / "south" / "test_it.py")


def module_of(test_file, name):
    """A module that lies beside a test file, in place."""
    module = ModuleType(name)
    module.__file__ = test_file.replace("test_it", name.rpartition(".")[2])
    sys.modules[name] = module
    return module


def test_each_project_has_its_own_notebook_of_a_name(two_projects):
    """And finds it again when its tests go on."""
    north, south = two_projects
    views = Views()
    views.enter(north)
    etl = module_of(north, "nbh_etl")
    views.add(etl)

    views.enter(south)
    in_south = sys.modules.get("nbh_etl")
    views.enter(north)

    assert in_south is None
    assert sys.modules["nbh_etl"] is etl


def test_package_without_a_file_stays(two_projects):
    """Import modes of pytest make parents that lie nowhere: they belong to no project."""
    north, south = two_projects
    views = Views()
    views.enter(north)
    parent = sys.modules["nbh_parent"] = ModuleType("nbh_parent")
    views.add(module_of(north, "nbh_parent.etl"))

    views.enter(south)

    assert sys.modules.get("nbh_parent") is parent
    assert "nbh_parent.etl" not in sys.modules


def test_parent_that_was_never_imported_is_no_hindrance(two_projects):
    """A notebook loaded under a dotted name of one's own may have none."""
    north, south = two_projects
    views = Views()
    views.enter(north)
    views.add(module_of(north, "nbh_absent.etl"))

    views.enter(south)

    assert "nbh_absent.etl" not in sys.modules
    assert "nbh_absent" not in sys.modules
