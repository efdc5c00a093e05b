"""What becomes of kept statements that fail when a notebook is loaded."""

from __future__ import annotations

import sys

import pytest

from harness.errors import PlaceholderError, UnresolvedNameError


@pytest.fixture
def modules(tmp_path_factory, monkeypatch):
    """Put a plain module on the path, and take it out of ``sys.modules`` at the end."""
    folder = tmp_path_factory.mktemp("modules")
    monkeypatch.syspath_prepend(str(folder))
    made = []

    def make(name, text):
        (folder / f"{name}.py").write_text(text)
        made.append(name)

    yield make
    for name in made:
        sys.modules.pop(name, None)


def test_constant_made_of_an_unknown_name_costs_only_itself(project):
    """It says which name that is."""
    module = project.load("rate = nowhere", "def f():\n    return 1", "def g():\n    return rate")

    assert module.f() == 1
    with project.test(spark="a session"), pytest.raises(UnresolvedNameError, match="the name 'nowhere' is defined nowhere"):
        module.g()


def test_names_that_come_from_who_runs_it(project):
    """A notebook of tests that is %run beside the code: on Databricks it has that one's names, and the mend says so."""
    project.write("main.py", "x = 1", "# MAGIC %run ./cases/nb")
    module = project.load("def f():\n    return x", name="cases/nb.py")

    with project.test(), pytest.raises(UnresolvedNameError) as caught:
        module.f()

    assert "main.py %runs this notebook: test them together by run_notebook" in caught.value.mend


def test_class_body_that_fails_with_its_names_computed_tells_the_first_failure(project):
    """A second attempt that fails too changes nothing."""
    module = project.load("n = len('abc')", "class Model:\n    size = n\n    other = size.nothing", "def f():\n    return 1")

    assert module.f() == 1
    with project.test(spark="a session"), pytest.raises(PlaceholderError, match="has no attribute 'nothing'"):
        module.Model()


def test_function_whose_decorator_makes_a_udf_keeps_the_plain_one(project):
    """As ``.func``, where pyspark's own have it: a test may call it without Spark."""
    module = project.load("from no_such_package import pandas_udf", "@pandas_udf('int')\ndef double(x):\n    return 2 * x")

    assert module.double.func(4) == 8


def test_name_that_a_module_lacks_is_told(project, modules):
    """The import's own error is the cause."""
    modules("nbh_partial", "there = 1\n")
    module = project.load(
        "from nbh_partial import gone", "from nbh_partial import there, missing", "def f():\n    return there"
    )

    assert module.f() == 1
    with pytest.raises(PlaceholderError, match="cannot import name 'gone'"):
        module.gone()
    with pytest.raises(PlaceholderError, match="cannot import name 'missing'"):
        module.missing()


def test_import_of_several_modules_costs_only_those_that_are_missing(project):
    """Each is tried by itself."""
    module = project.load("import json, no_such_package as gone, os.path", "def f():\n    return json.dumps(os.path.sep)")

    assert module.f() == '"/"'
    with pytest.raises(PlaceholderError, match="install no_such_package"):
        module.gone()


def test_module_that_raises_while_it_is_imported_is_tried_again_in_a_test(project, modules):
    """With the test's session it may succeed."""
    modules(
        "nbh_needs_test", "import sys\nif not hasattr(sys, 'nbh_test_runs'): raise RuntimeError('no session')\nWHO = 'there'\n"
    )
    module = project.load("import nbh_needs_test", "def f():\n    return nbh_needs_test.WHO")

    with project.test(spark="a session"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "nbh_test_runs", True, raising=False)
        found = module.f()

    assert found == "there"


def test_module_beside_the_notebook_is_found(project):
    """Databricks has the notebook's own folder on the path; afterwards it isn't there any more."""
    (project.folder / "nbs").mkdir()
    (project.folder / "nbs" / "nbh_beside.py").write_text("WHO = 'beside'\n")
    before = list(sys.path)

    module = project.load("from nbh_beside import WHO", name="nbs/etl.py")

    assert module.WHO == "beside"
    assert sys.path == before
