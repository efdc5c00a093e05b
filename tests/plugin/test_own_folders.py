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
    """Where a function asks for it while a test runs that has both notebooks, that is an error which names both."""
    for name in ("north", "south"):
        project.write({f"{name}/etl.py": [LAZY], f"{name}/utils.py": who(name)})
    project.write(
        {
            "tests/test_it.py": """
                import north.etl, south.etl

                def test_it():
                    south.etl.told()

                def test_other():
                    from utils import who
                """
        }
    )

    result = project.run()

    result.assert_outcomes(failed=2)
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
