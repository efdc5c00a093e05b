"""Modules beside a notebook, and in folders that it puts on ``sys.path``: each notebook has its own, as on Databricks."""

from __future__ import annotations

import pytest

TELLS = ["from utils import who", "def told(): return who()"]
LAZY = "def told():\n    import utils\n    return utils.who()"
SRC = "import os, sys\nsys.path.append(os.path.abspath('../src'))\nfrom rates import vat"


def who(name):
    """A module with one function."""
    return f"def who(): return {name!r}\n"


def test_same_named_modules_of_two_notebooks(project, workers):
    """Each has that of its own folder, with what this imports itself; also where one test file has both."""
    for name in ("north", "south"):
        project.write(
            {
                f"{name}/etl.py": TELLS,
                f"{name}/utils.py": "from names import NAME\ndef who(): return NAME\n",
                f"{name}/names.py": f"NAME = {name!r}\n",
                f"tests/test_{name}.py": f"from {name}.etl import told\ndef test_it(): assert told() == {name!r}\n",
            }
        )
    project.write(
        {
            "tests/test_both.py": """
                from south.etl import told as south
                from north.etl import told as north

                def test_both(): assert (north(), south()) == ("north", "south")
                """
        }
    )

    project.run(*workers).assert_outcomes(passed=3)


def test_modules_that_functions_import(project):
    """A test finds those of the notebook that it has, and may patch them by name."""
    for name in ("north", "south"):
        project.write(
            {
                f"{name}/etl.py": [LAZY],
                f"{name}/utils.py": who(name),
                f"tests/test_{name}.py": f"""
                    from unittest.mock import patch
                    from {name}.etl import told

                    def test_it(): assert told() == {name!r}

                    @patch("utils.who", lambda: "patched")
                    def test_patched(): assert told() == "patched"
                    """,
            }
        )

    project.run().assert_outcomes(passed=4)


def test_a_module_that_may_be_either(project):
    """Where a test asks for it that has both notebooks, that is an error which names both; their functions have their own."""
    for name in ("north", "south"):
        project.write({f"{name}/etl.py": [LAZY], f"{name}/utils.py": who(name)})
    project.write(
        {
            "tests/test_it.py": """
                import north.etl, south.etl

                def test_it():
                    import utils
                    utils.who()

                def test_other():
                    from utils import who

                def test_functions(): assert (north.etl.told(), south.etl.told()) == ("north", "south")
                """
        }
    )

    result = project.run()

    result.assert_outcomes(failed=2, passed=1)
    result.stdout.fnmatch_lines(
        [
            "*module 'utils' has no attribute 'who': there is one each in *north and *south, and the test's *",
            "*cannot import name 'who' from 'utils' (one each in *north and *south, and the test's notebooks don't say *)*",
        ]
    )


def test_the_notebooks_own_folder_comes_first(project):
    """As on Databricks; the project's own module of that name stays what it is for the tests."""
    project.write(
        {
            "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["."]\n',
            "utils.py": who("root"),
            "nbs/utils.py": who("own"),
            "nbs/etl.py": TELLS,
            "tests/test_it.py": """
                import utils
                from nbs.etl import told

                def test_it(): assert (told(), utils.who()) == ("own", "root")

                def test_again():
                    from utils import who
                    assert who() == "root"
                """,
        }
    )

    project.run().assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("cells", "outcome"),
    [
        ([SRC, "def price(x): return x * vat"], {"passed": 1}),
        (["from rates import vat", SRC, "def price(x): return x * vat"], {"passed": 1}),
        (["from rates import vat", "def price(x): return x * vat", "import sys\nsys.path.append('../src')"], {"failed": 1}),
        (["%run ./setup", "from rates import vat", "def price(x): return x * vat"], {"passed": 1}),
    ],
)
def test_a_folder_that_a_notebook_puts_on_the_path(project, cells, outcome):
    """Found from that statement on, also where it is in a notebook that is %run, and no pythonpath says so."""
    project.write(
        {
            "src/rates.py": "vat = 2\n",
            "nbs/etl.py": cells,
            "nbs/setup.py": ["import sys\nsys.path.append('../src')"],
            "tests/test_it.py": "from nbs.etl import price\ndef test_it(): assert price(3) == 6\n",
        }
    )

    project.run().assert_outcomes(**outcome)


def test_a_workspaces_folder(project):
    """By its absolute path, which the settings tell."""
    project.write(
        {
            "pyproject.toml": '[tool.nbh]\nrun_prefixes = { "/Workspace/Repos/team" = "." }\n',
            "lib/rates.py": "vat = 2\n",
            "nbs/etl.py": [
                "import sys\nsys.path.append('/Workspace/Repos/team/lib')\nimport rates",
                "def vat(): return rates.vat",
            ],
            "tests/test_it.py": "from nbs.etl import vat\ndef test_it(): assert vat() == 2\n",
        }
    )

    project.run().assert_outcomes(passed=1)


def test_the_path_between_tests(project):
    """It is what pytest made it; while a test runs the folders stand last on it, and hide nothing of the tests' own."""
    project.write(
        {
            "nbs/etl.py": TELLS,
            "nbs/utils.py": who("own"),
            "conftest.py": """
                import sys

                def pytest_sessionfinish():
                    assert not [one for one in sys.path if one.endswith("nbs")]
                """,
            "tests/test_a.py": """
                import sys
                from nbs.etl import told

                BEFORE = list(sys.path)

                def test_it():
                    assert sys.path[:-1] == BEFORE
                    assert sys.path[-1].endswith("nbs")
                """,
            "tests/test_b.py": """
                import sys

                assert not [one for one in sys.path if one.endswith("nbs")]

                def test_none(): pass
                """,
        }
    )

    project.run().assert_outcomes(passed=2)


def test_a_folder_that_is_put_first(project):
    """It comes before the notebook's own, as on Databricks."""
    project.write(
        {
            "src/utils.py": who("src"),
            "nbs/utils.py": who("own"),
            "nbs/etl.py": ["import sys\nsys.path.insert(0, '../src')", *TELLS],
            "tests/test_it.py": "from nbs.etl import told\ndef test_it(): assert told() == 'src'\n",
        }
    )

    project.run().assert_outcomes(passed=1)


SHARED = "RATE = 1\nclass Kept: pass\ndef who(): return 'shared'\n"
USES = ["import utils\nfrom utils import Kept", "def rate(): return utils.RATE\ndef is_kept(x): return isinstance(x, Kept)"]
SEES = """
def test_patched(monkeypatch):
    monkeypatch.setattr(utils, "RATE", 5)
    assert etl.rate() == 5

def test_kept(): assert etl.is_kept(utils.Kept())
"""


@pytest.mark.parametrize("mode", ["prepend", "importlib"])
def test_a_module_that_tests_import_too(project, mode):
    """It is one module, whoever came first, also where another notebook has its own: what a test patches is patched."""
    project.write(
        {
            "utils.py": SHARED,
            "etl.py": USES,
            "north/utils.py": who("north"),
            "north/etl.py": TELLS,
            "tests/test_a.py": f"import utils\nimport etl\nimport north.etl\n{SEES}",
            "tests/test_b.py": f"import north.etl\nimport etl\nimport utils\n{SEES}",
        }
    )

    project.run("--import-mode", mode).assert_outcomes(passed=4)


def test_a_folder_that_tests_name_otherwise(project):
    """One file by one name is one module, however the way to its folder is written."""
    project.write(
        {
            "src/utils.py": SHARED,
            "nbs/etl.py": ["import sys\nsys.path.append('../src')", *USES],
            "conftest.py": "import os, sys\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), 'tests', '..', 'src'))",
            "tests/test_a.py": f"import utils\nimport nbs.etl as etl\n{SEES}",
        }
    )

    project.run().assert_outcomes(passed=2)


def test_folders_without_init(project):
    """Of one name, one beside the notebook and one of the project: they are one package, and a module of it stays one."""
    project.write(
        {
            "lib/a.py": "A = 1\n",
            "nbs/lib/b.py": "B = 2\n",
            "nbs/etl.py": ["from lib.b import B\nimport lib.a", "def both(): return lib.a.A + B"],
            "tests/test_it.py": """
                import lib.a
                from nbs.etl import both

                def test_patched(monkeypatch):
                    monkeypatch.setattr(lib.a, "A", 5)
                    assert both() == 7
                """,
        }
    )

    project.run().assert_outcomes(passed=1)


def test_a_notebook_beside_hides_no_folder(project):
    """On Databricks a notebook is no file that an import reads."""
    project.write(
        {
            "common/utils.py": who("common"),
            "nbs/common.py": ["x = 1"],
            "nbs/etl.py": ["from common.utils import who", "def told(): return who()"],
            "tests/test_it.py": "from nbs.etl import told\ndef test_it(): assert told() == 'common'\n",
        }
    )

    project.run().assert_outcomes(passed=1)


@pytest.mark.parametrize("first", ["import utils", "import os"])
def test_what_a_function_imports_is_its_notebooks(project, first):
    """Not the project's own module of that name, whether or not a test has imported it; nor that of another notebook."""
    project.write(
        {
            "utils.py": who("root"),
            "config.py": "NAME = 'root'\n",
            "north/utils.py": "def who():\n    from config import NAME\n    return NAME\n",
            "north/config.py": "NAME = 'north'\n",
            "south/utils.py": who("south"),
            "north/etl.py": [LAZY],
            "south/etl.py": [LAZY],
            "conftest.py": """
                import pytest

                @pytest.fixture
                def south():
                    from south.etl import told
                    return told
                """,
            "tests/test_it.py": f"""
                {first}
                from north.etl import told
                from harness import load_notebook

                def test_own(): assert told() == "north"

                def test_other(south): assert (told(), south()) == ("north", "south")

                def test_roots():
                    import utils
                    assert (told(), utils.who()) == ("north", "root")

                def test_loaded(): assert load_notebook("south/etl.py").told() == "south"
                """,
        }
    )

    project.run().assert_outcomes(passed=4)


def test_pythons_import_is_put_back(project):
    """Also after a test that replaced it."""
    project.write(
        {
            "nbs/etl.py": [LAZY],
            "nbs/utils.py": who("own"),
            "conftest.py": """
                import builtins

                BEFORE = builtins.__import__

                def pytest_sessionfinish():
                    assert builtins.__import__ is BEFORE
                """,
            "tests/test_it.py": """
                import builtins
                import pytest
                from nbs.etl import told

                def test_it(): assert told() == "own"

                def test_replaced(monkeypatch):
                    real = builtins.__import__

                    def fails(name, *rest):
                        if name == "utils":
                            raise ImportError("not now")
                        return real(name, *rest)

                    monkeypatch.setattr(builtins, "__import__", fails)
                    with pytest.raises(ImportError, match="not now"):
                        told()
                """,
        }
    )

    project.run().assert_outcomes(passed=2)


def test_a_module_that_a_test_replaces(project):
    """What a test or its conftest puts into ``sys.modules`` is what its notebooks get, or that there is none."""
    project.write(
        {
            "nbs/utils.py": who("own"),
            "nbs/slow.py": "raise SystemExit('not in a test')\n",
            "nbs/etl.py": ["import slow", LAZY],
            "conftest.py": "import sys, types\nsys.modules['slow'] = types.SimpleNamespace(who=lambda: 'fake')\n",
            "tests/test_it.py": """
                import sys
                from types import ModuleType
                from unittest.mock import MagicMock
                import pytest
                import nbs.etl

                def test_own(): assert (nbs.etl.told(), nbs.etl.slow.who()) == ("own", "fake")

                @pytest.mark.parametrize("fake", [MagicMock(), ModuleType("utils")])
                def test_fake(monkeypatch, fake):
                    fake.who = lambda: "fake"
                    monkeypatch.setitem(sys.modules, "utils", fake)
                    assert nbs.etl.told() == "fake"

                def test_none(monkeypatch):
                    monkeypatch.setitem(sys.modules, "utils", None)
                    with pytest.raises(ImportError):
                        nbs.etl.told()

                def test_own_again(): assert nbs.etl.told() == "own"
                """,
        }
    )

    project.run().assert_outcomes(passed=5)
