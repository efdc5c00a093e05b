"""A notebook's module, as tools that look into modules meet it."""

from __future__ import annotations

from unittest import mock

import pytest


def test_patching_a_name_works_nothing_out(project):
    """``unittest.mock`` replaces a value that only a test could give, and leaves it open again."""
    module = project.load('path = dbutils.widgets.get("path")', "def f():\n    return path")

    with project.test({"path": "the test's"}) as scope:
        with mock.patch.object(module, "path", "patched"):
            inside = module.f()
        read = list(scope.get("dbutils").widgets.read)
        after = module.f()

    assert (inside, after) == ("patched", "the test's")
    assert read == []


def test_patching_a_dict_of_names(project):
    """``mock.patch.dict`` on the module's own dict finds no value to put back, and takes its own out again."""
    module = project.load('path = dbutils.widgets.get("path")', "def f():\n    return path")

    with project.test({"path": "the test's"}):
        with mock.patch.dict(module.__dict__, {"path": "patched"}):
            inside = module.f()
        after = module.f()

    assert (inside, after) == ("patched", "the test's")


def test_value_put_back_by_an_older_pytest(project):
    """It sets what it had got, where the installed one deletes: the name is open again all the same."""
    module = project.load('path = dbutils.widgets.get("path")', "def f():\n    return path")
    older = {"__name__": "_pytest.monkeypatch"}
    exec("def patch(target):\n    old = target.path\n    target.path = 'patched'\n    yield\n    target.path = old", older)

    with project.test({"path": "the test's"}) as scope:
        patch = older["patch"](module)
        next(patch)
        inside = module.f()
        next(patch, None)
        read = list(scope.get("dbutils").widgets.read)
        after = module.f()

    assert (inside, after) == ("patched", "the test's")
    assert read == []


def test_placeholder_put_back_by_hand_gives_the_name_free(project):
    """``saved = module.model … module.model = saved`` leaves no placeholder that a test then meets."""
    module = project.load('path = dbutils.widgets.get("path")', "def f():\n    return path")
    saved = module.path
    module.path = "by hand"

    module.path = saved

    with project.test({"path": "the test's"}):
        assert module.f() == "the test's"


def test_deleting_a_name(project):
    """One given by hand is open again; one that isn't there is told as of every module."""
    module = project.load("n = len('abc')", "def f():\n    return n")
    module.n = 1

    del module.n

    with project.test():
        assert module.f() == 3
    with pytest.raises(AttributeError, match="has no attribute 'nowhere'"):
        del module.nowhere


def test_open_names_are_among_the_modules_names(project):
    """Pickling by value asks so which names to take along."""
    module = project.load("n = len('abc')", "def f():\n    return n")

    names = module.__dict__

    assert "n" in names
    assert "f" in names
    assert "nowhere" not in names


def test_python_asks_every_module_for_names_it_may_not_have(project):
    """``__path__`` is none of a notebook's."""
    module = project.load("a = 1")

    assert not hasattr(module, "__path__")


def test_dir_lists_what_is_there(project):
    """As of every module."""
    module = project.load("a = 1", "def f():\n    return a")

    assert {"a", "f"} <= set(dir(module))
