from __future__ import annotations

import textwrap

import pytest

from harness.extract.mentions import TestNames

HEADER = "# Databricks notebook source\n"


@pytest.fixture
def tests_of(tmp_path):
    """Give the tests that name ``add`` of nbs/etl.py (or another unit), in a project of these files."""

    def make(files, unit="add", *, notebook="nbs/etl.py"):
        notebooks = {"nbs/etl.py": "def add(a, b):\n    return a + b\n", "nbs/other.py": "def add(a, b):\n    return a\n"}
        for name, text in {**notebooks, **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            is_notebook = name.startswith("nbs/") and name.endswith(".py")
            path.write_text((HEADER if is_notebook else "") + textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        root = str(tmp_path)
        found = sorted(str(path) for path in tmp_path.rglob("nbs/*") if path.is_file())
        names = TestNames(root, found, [root])
        for path in sorted(tmp_path.rglob("test_*")):
            if path.is_file():
                names.read(str(path))
        return names.of(str(tmp_path / notebook), unit)

    return make


WAYS = {
    "import": "from nbs.etl import add\n\ndef test_it():\n    assert add(1, 2)",
    "import under another name": "from nbs.etl import add as plus\n\ndef test_it():\n    assert plus(1, 2)",
    "import of the module": "from nbs import etl\n\ndef test_it():\n    assert etl.add(1, 2)",
    "dotted import": "import nbs.etl\n\ndef test_it():\n    assert nbs.etl.add(1, 2)",
    "dotted import under another name": "import nbs.etl as e\n\ndef test_it():\n    assert e.add(1, 2)",
    "import inside the test": "def test_it():\n    from nbs.etl import add\n\n    assert add(1, 2)",
    "star import": "from nbs.etl import *\n\ndef test_it():\n    assert add(1, 2)",
    "fixture notebook": "def test_it(notebook):\n    assert notebook('nbs/etl.py').add(1, 2)",
    "fixture notebook, kept": "def test_it(notebook):\n    nb = notebook('nbs/etl.py', values={})\n    assert nb.add(1, 2)",
    "beside the test file": "def test_it(notebook):\n    assert notebook('../nbs/etl.py').add(1, 2)",
    "load_notebook": "import harness\n\ndef test_it():\n    assert harness.load_notebook('nbs/etl.py').add(1, 2)",
    "a path of parts": (
        "from pathlib import Path\nNBS = Path(__file__).parents[1] / 'nbs'\n\n"
        "def test_it(notebook):\n    assert notebook(NBS / 'etl.py').add(1, 2)"
    ),
    "a joined path": "import os\n\ndef test_it(notebook):\n    assert notebook(os.path.join(HERE, 'nbs', 'etl.py')).add(1, 2)",
    "an f-string": "def test_it(notebook):\n    assert notebook(f'{ROOT}/nbs/etl.py').add(1, 2)",
    "a constant": "PATH: str = 'nbs/etl.py'\n\ndef test_it(notebook):\n    assert notebook(PATH).add(1, 2)",
    "a fixture of the file": (
        "@pytest.fixture\ndef etl(notebook):\n    nb = notebook('nbs/etl.py')\n    return nb\n\n"
        "def test_it(etl):\n    assert etl.add(1, 2)"
    ),
    "a renamed fixture": (
        "@pytest.fixture(name='etl')\ndef _etl(notebook):\n    yield notebook('nbs/etl.py')\n\n"
        "def test_it(etl):\n    assert etl.add(1, 2)"
    ),
    "a fixture with other options": (
        "@pytest.fixture(scope='module')\ndef etl(notebook):\n    return notebook('nbs/etl.py')\n\n"
        "def test_it(etl):\n    assert etl.add(1, 2)"
    ),
    "a package of tests": "import tests.helpers\nfrom nbs.etl import add\n\ndef test_it():\n    assert add(1, 2)",
    "the end of a path": "def test_it(notebook):\n    assert notebook('../../nbs/etl.py').add(1, 2)",
    "a helper of the file": "from nbs.etl import add\n\ndef check():\n    assert add(1, 2)\n\ndef test_it():\n    check()",
    "a fixture that uses it": (
        "from nbs.etl import add\n\n@pytest.fixture\ndef three():\n    return add(1, 2)\n\n"
        "def test_it(three):\n    assert three == 3"
    ),
    "usefixtures": (
        "from nbs.etl import add\n\n@pytest.fixture\ndef three():\n    return add(1, 2)\n\n"
        "@pytest.mark.usefixtures('three')\ndef test_it():\n    pass"
    ),
    "getfixturevalue": (
        "from nbs.etl import add\n\n@pytest.fixture\ndef three():\n    return add(1, 2)\n\n"
        "def test_it(request):\n    assert request.getfixturevalue('three') == 3"
    ),
    "parametrize": "from nbs.etl import add\n\n@pytest.mark.parametrize('f', [add])\ndef test_it(f):\n    assert f(1, 2)",
    "async": "from nbs.etl import add\n\nasync def test_it():\n    assert add(1, 2)",
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_to_name_a_unit_is_seen(tests_of, way):
    """However a test comes by the unit, it is known to name it."""
    assert tests_of({"tests/test_etl.py": WAYS[way]}) == ("tests/test_etl.py::test_it",)


NOT = {
    "another notebook": "from nbs.other import add\n\ndef test_it():\n    assert add(1, 2)",
    "a plain module": "from etl import add\n\ndef test_it():\n    assert add(1, 2)",
    "imported and not used": "from nbs.etl import add\n\ndef test_it():\n    assert True",
    "a helper that no test calls": "from nbs.etl import add\n\ndef check():\n    assert add(1, 2)\n\ndef test_it():\n    pass",
    "a variable of the same name": "def test_it():\n    add = 1\n    assert add",
    "an argument of the same name": "from nbs.etl import add\n\ndef test_it(add):\n    assert add",
    "no class of tests": "from nbs.etl import add\n\nclass Helper:\n    def test_it(self):\n        add(1, 2)",
    "a path that fits nowhere": "def test_it(notebook):\n    assert notebook('nbs/gone.py').add(1, 2)",
    "a path that could be two": "def test_it(notebook):\n    assert notebook(UNKNOWN).add(1, 2)",
    "a cell of something else": "def test_it(sheet):\n    sheet.cell('add').execute()",
    "an f-string with an unknown end": "def test_it(notebook):\n    notebook(f'nbs/{NAME}').add(1, 2)",
    "an item": "def test_it(notebook):\n    a[0] = notebook('nbs/etl.py')\n    a[0].add(1, 2)",
    "an unpacked pair": "def test_it(notebook):\n    a, b = notebook('nbs/etl.py'), 1\n    a.add(1, 2)",
    "another module's star": "from math import *\n\ndef test_it():\n    add(1, 2)",
    "no Python": "from nbs.etl import add\n\ndef test_it(:\n    add(1, 2)",
}


@pytest.mark.parametrize("way", NOT)
def test_what_does_not_name_the_unit_is_not_counted(tests_of, way):
    """A unit that looks tested and isn't would be a false green."""
    assert tests_of({"tests/test_etl.py": NOT[way]}) == ()


def test_one_variable_for_two_notebooks_is_kept_apart(tests_of):
    """Each test's own variable counts, not the last of the file."""
    text = """
        def test_etl(notebook):
            nb = notebook("nbs/etl.py")
            assert nb.add(1, 2)

        def test_other(notebook):
            nb = notebook("nbs/other.py")
            assert nb.add(1, 2)
    """

    assert tests_of({"tests/test_both.py": text}) == ("tests/test_both.py::test_etl",)


def test_a_relative_import_counts_from_the_test_file(tests_of):
    """A notebook of the same name elsewhere isn't meant."""
    text = "from .etl import add\nfrom . import other\n\ndef test_it():\n    assert add(1, 2)"

    assert tests_of({"nbs/test_etl.txt": "", "tests/test_etl.py": text}) == ()
    assert tests_of({"nbs/inner/test_etl.py": text.replace("from .", "from ..")}) == ("nbs/inner/test_etl.py::test_it",)


def test_a_notebook_beside_the_test_is_imported_by_its_bare_name(tests_of):
    """The test file's own folder is on pytest's path."""
    text = "from etl import add\n\ndef test_it():\n    assert add(1, 2)"

    assert tests_of({"nbs/test_etl.py": text}) == ("nbs/test_etl.py::test_it",)


def test_a_fixture_of_conftest_is_followed(tests_of):
    """It holds for all test files below its folder."""
    conftest = "import pytest\n\n@pytest.fixture\ndef etl(notebook):\n    return notebook('nbs/etl.py')\n"
    text = "def test_it(etl):\n    assert etl.add(1, 2)"

    assert tests_of({"tests/conftest.py": conftest, "tests/deep/test_etl.py": text}) == ("tests/deep/test_etl.py::test_it",)


def test_methods_of_a_test_class_are_tests(tests_of):
    """What setup keeps on ``self`` and what a helper method does count for the tests that use it."""
    text = """
        import unittest
        from harness import load_notebook

        class EtlCase(unittest.TestCase):
            def setUp(self):
                self.etl = load_notebook("nbs/etl.py")

            def check(self):
                assert self.etl.add(1, 2)

            def test_direct(self):
                assert self.etl.add(1, 2)

            def test_helped(self):
                self.check()

            def test_nothing(self):
                pass
    """

    assert tests_of({"tests/test_etl.py": text}) == (
        "tests/test_etl.py::EtlCase::test_direct",
        "tests/test_etl.py::EtlCase::test_helped",
    )


def test_nutters_cases_are_tests(tests_of):
    """Each case stands for all its methods, and for what is done before all cases."""
    text = """
        from runtime.nutterfixture import NutterFixture
        from nbs.etl import add

        class T(NutterFixture):
            def run_direct(self):
                self.got = add(1, 2)

            def assertion_direct(self):
                assert self.got

            def assertion_nothing(self):
                pass
        """
    own, shared = {"tests/test_it.py": text}, {"tests/test_it.py": text.replace("run_direct", "before_all")}

    assert tests_of(own) == ("tests/test_it.py::T::direct",)
    assert tests_of(shared) == ("tests/test_it.py::T::direct", "tests/test_it.py::T::nothing")


def test_a_fixture_in_a_class_is_followed(tests_of):
    """A class may hold fixtures of its own."""
    text = """
        class TestEtl:
            @pytest.fixture
            def etl(self, notebook):
                return notebook("nbs/etl.py")

            def test_it(self, etl):
                assert etl.add(1, 2)
    """

    assert tests_of({"tests/test_etl.py": text}) == ("tests/test_etl.py::TestEtl::test_it",)


@pytest.mark.parametrize("key", ["Clean", 2])
def test_a_cell_is_named_by_title_or_number(tests_of, key):
    """``cell("Clean")`` and ``cell(2)`` name the cell, nothing else of that text."""
    text = (
        f"def test_it(notebook):\n    notebook('nbs/etl.py').cell({key!r}).execute()\n    notebook('nbs/etl.py').name({key!r})"
    )

    assert tests_of({"tests/test_etl.py": text}, key) == ("tests/test_etl.py::test_it",)


def test_a_test_notebook_names_what_it_runs(tests_of):
    """%run gives it the names of the target and of what that one runs."""
    files = {
        "nbs/test_etl.py": "# MAGIC %run ./between\n\n# COMMAND ----------\n\ndef test_it():\n    assert add(1, 2)\n",
        "nbs/between.py": "# MAGIC %run ./etl\n\n# COMMAND ----------\n\n# MAGIC %run ./between\n",
    }

    assert tests_of(files) == ("nbs/test_etl.py::test_it",)


def test_a_test_notebook_s_own_functions_win(tests_of):
    """A function that the test notebook defines itself hides the one of the target."""
    text = (
        "# MAGIC %run ./etl\n\n# COMMAND ----------\n\n"
        "def add(a, b):\n    return 0\n\ndef test_it():\n    assert add(1, 2)\n\n"
        "class TestMore:\n    def test_it(self):\n        add(1, 2)\n"
    )

    assert tests_of({"nbs/test_etl.py": text}) == ()
    assert tests_of({"nbs/test_etl.py": text}, notebook="nbs/test_etl.py") == (
        "nbs/test_etl.py::test_it",
        "nbs/test_etl.py::TestMore::test_it",
    )


def test_what_cannot_be_read_names_nothing(tests_of):
    """A broken test notebook or a missing %run target costs only itself."""
    files = {
        "nbs/test_torn.ipynb": "{",
        "nbs/test_gone.py": "# MAGIC %run ./gone\n\n# COMMAND ----------\n\ndef test_it():\n    add(1, 2)\n",
        "nbs/test_torn_target.py": "# MAGIC %run ./torn\n\n# COMMAND ----------\n\ndef test_it():\n    add(1, 2)\n",
        "nbs/torn.ipynb": "{",
    }

    assert tests_of(files) == ()


def test_a_package_of_tests_counts_from_above_it(tests_of):
    """With an __init__.py, the folder on pytest's path is the one above."""
    text = "from nbs.etl import add\n\ndef test_it():\n    assert add(1, 2)"

    assert tests_of({"tests/__init__.py": "", "tests/test_etl.py": text}) == ("tests/test_etl.py::test_it",)


def test_ids_can_be_shown_from_a_folder_above(tmp_path):
    """In a mono repo the list is shown from its root."""
    project = tmp_path / "one"
    project.mkdir()
    (project / "etl.py").write_text(HEADER + "def add():\n    pass\n")
    (project / "test_etl.py").write_text("from etl import add\n\ndef test_it():\n    add()\n")
    names = TestNames(str(project), [str(project / "etl.py")], [str(project)], shown_from=str(tmp_path))

    names.read(str(project / "test_etl.py"))

    assert names.of(str(project / "etl.py"), "add") == ("one/test_etl.py::test_it",)
