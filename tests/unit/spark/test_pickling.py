from __future__ import annotations

import pickle
import sys
import threading
import types

import pytest

from harness.spark.pickling import ByValue, carry_modules_of, register_by_value


@pytest.fixture
def registry(monkeypatch):
    """The names that pyspark's pickler carries by value, through a stand-in that keeps a set as the real one does."""
    names: set[str] = set()

    def register(module):
        # The running plugin registers this very file, where Spark was imported before, and notebooks that earlier tests loaded.
        if module.__name__ != __name__ and not module.__name__.startswith("nbh_notebook_"):
            names.add(module.__name__)

    stand_in = types.SimpleNamespace(list_registry_pickle_by_value=names.copy, register_pickle_by_value=register)
    monkeypatch.setitem(sys.modules, "pyspark.cloudpickle", stand_in)
    return names


@pytest.fixture
def make_module(monkeypatch, tmp_path):
    """Make a module of the project that is imported."""

    def make(name, *, folder=tmp_path, **names):
        module = types.ModuleType(name)
        module.__file__ = str(folder / f"{name}.py")
        vars(module).update(names)
        monkeypatch.setitem(sys.modules, name, module)
        return module

    return make


def function_of(module):
    """A function that says it comes from the module."""

    def function():
        """Do nothing."""

    function.__module__ = module.__name__
    return function


def test_nothing_happens_without_pyspark(make_module, monkeypatch):
    """Projects without Spark pay nothing."""
    monkeypatch.delitem(sys.modules, "pyspark.cloudpickle", raising=False)

    assert register_by_value(make_module("nb_one")) is False


def test_registering_can_be_repeated(make_module, registry):
    """It is asked at the start of each test."""
    module = make_module("nb_one")

    assert register_by_value(module) is register_by_value(module) is True
    assert registry == {"nb_one"}


def test_module_that_was_replaced_is_not_registered(make_module, registry):
    """The registry goes by name: an old module must not speak for the new one."""
    old = make_module("nb_one")
    make_module("nb_one")

    assert register_by_value(old) is False


def test_test_files_and_conftests_are_carried(make_module, registry, tmp_path):
    """Under the name that pytest gave them no worker could import them."""
    make_module("tests.conftest")
    make_module("helpers")

    ByValue([tmp_path]).update(make_module("test_etl"))

    assert registry == {"test_etl", "tests.conftest"}


def test_users_of_notebooks_are_carried(make_module, registry, tmp_path):
    """Importing such a module would import the notebook, at however many steps."""
    notebook = make_module("nb_one")
    registry.add("nb_one")
    first = make_module("uses_function", clean=function_of(notebook))
    make_module("uses_module", nb=notebook)
    make_module("uses_user", other=function_of(first))
    make_module("plain", value=1)

    ByValue([tmp_path]).update(None)

    assert registry == {"nb_one", "uses_function", "uses_module", "uses_user"}


def test_package_is_not_carried_for_its_submodules(make_module, registry, tmp_path):
    """To carry a package would carry all that is in it."""
    notebook = make_module("nb_one")
    registry.add("nb_one")
    inside = make_module("package.inside", clean=function_of(notebook))
    make_module("package", inside=inside)

    ByValue([tmp_path]).update(None)

    assert registry == {"nb_one", "package.inside"}


def test_modules_imported_later_are_seen(make_module, registry, tmp_path):
    """Each test may import more."""
    by_value = ByValue([tmp_path])
    by_value.update(make_module("test_one"))
    notebook = make_module("nb_one")
    registry.add("nb_one")
    make_module("late", clean=function_of(notebook))

    by_value.update(make_module("test_two"))

    assert registry == {"test_one", "nb_one", "late", "test_two"}


def test_other_peoples_modules_are_left_alone(make_module, registry, tmp_path):
    """Libraries travel by name, wherever their environment lies."""
    notebook = make_module("nb_one")
    registry.add("nb_one")
    make_module("library", folder=tmp_path / ".venv" / "site-packages", clean=function_of(notebook))
    make_module("elsewhere", folder=tmp_path.parent, clean=function_of(notebook))

    ByValue([tmp_path]).update(None)

    assert registry == {"nb_one"}


def test_values_that_refuse_questions_do_no_harm(make_module, registry, tmp_path):
    """Any object may sit in a module."""

    class Touchy:
        def __getattribute__(self, name):
            raise RuntimeError(name)

    make_module("odd", value=Touchy())

    ByValue([tmp_path]).update(None)

    assert registry == set()


class Notebook(types.ModuleType):
    """Stands for a notebook's module."""


def test_notebook_module_travels_without_what_cannot(make_module, monkeypatch):
    """A lock costs only itself, and using it says which name didn't come; two notebooks may hold each other."""
    pytest.importorskip("pyspark")
    carry_modules_of(Notebook)
    one, two = Notebook("nb_one"), Notebook("nb_two")
    vars(one).update(other=two, limit=3, lock=threading.Lock())
    vars(two).update(other=one, limit=4)

    copy = pickle.loads(pickle.dumps(one))

    assert (copy.__name__, copy.limit, copy.other.limit) == ("nb_one", 3, 4)
    assert pickle.loads(pickle.dumps(copy)).limit == 3
    with pytest.raises(AttributeError, match="came to this Spark worker without 'lock'"):
        copy.lock  # noqa: B018 -- the question is the test
