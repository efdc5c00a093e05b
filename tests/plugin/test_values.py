"""What notebook code finds in a test: the test's fixtures and widgets, values given by hand, and nothing of the test before."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

ETL = [
    "ENV = dbutils.widgets.get('env')\nRATE = 3",
    """
    def env():
        return ENV

    def rows():
        return spark.rows

    def show(x):
        display(x)

    def rate():
        return RATE
    """,
]
FAKE = """
    import pytest

    class Fake:
        rows = 3

    @pytest.fixture
    def spark():
        return Fake()
    """


def test_the_users_own_spark_wins(project, workers):
    """Notebook code sees the ``spark`` and ``dbutils`` that the test would get, from the nearest conftest."""
    project.write(
        {
            "nbs/etl.py": ETL,
            "tests/conftest.py": FAKE,
            "tests/test_it.py": "from nbs.etl import rows\ndef test_rows(): assert rows() == 3\n",
            "tests/deep/conftest.py": """
                import pytest

                class Widgets:
                    def get(self, name): return "deep"

                class Dbutils:
                    widgets = Widgets()

                @pytest.fixture
                def dbutils(): return Dbutils()
                """,
            "tests/deep/test_deep.py": """
                from nbs.etl import env, rows
                def test_rows(): assert rows() == 3
                def test_env(): assert env() == "deep"
                """,
        }
    )

    project.run(*workers).assert_outcomes(passed=3)


def test_display_is_the_tests_own(project):
    """What notebook code displays is remembered by the test's fixture."""
    project.write(
        {
            "nbs/etl.py": ETL,
            "test_it.py": """
                from nbs.etl import show

                def test_a(display):
                    show(1)
                    assert display.shown == [1]
                """,
        }
    )

    project.run().assert_outcomes(passed=1)


TESTS = """
    import pytest
    import nbs.etl
    from nbs.etl import env

    @pytest.mark.nbh_widgets(env="one")
    def test_one(): assert env() == nbs.etl.ENV == "one"

    @pytest.mark.nbh_widgets(env="two")
    def test_two(): assert env() == nbs.etl.ENV == "two"

    def test_none():
        with pytest.raises(Exception, match="NBH351"):
            env()

    def test_patched(monkeypatch):
        monkeypatch.setattr(nbs.etl, "ENV", "by hand")
        assert env() == "by hand"

    @pytest.mark.nbh_widgets(env="three")
    def test_three(): assert env() == nbs.etl.ENV == "three"
    """
NAMES = ["test_one", "test_two", "test_none", "test_patched", "test_three"]


@pytest.mark.parametrize("order", [NAMES, NAMES[::-1]], ids=["forwards", "backwards"])
def test_computed_values_are_forgotten(project, order):
    """What was computed from one test's widgets isn't there in the next, whichever comes first."""
    project.write({"nbs/etl.py": ETL, "test_it.py": TESTS})

    project.run(*(f"test_it.py::{name}" for name in order)).assert_outcomes(passed=5)


def test_computed_values_are_forgotten_on_workers(project):
    """The same where tests are spread."""
    project.write({"nbs/etl.py": ETL, "test_it.py": TESTS})

    project.run("-n", "2").assert_outcomes(passed=5)


def test_unittest_classes_use_notebook_functions(project, workers):
    """A unittest.TestCase in an ordinary file: the same functions, fixtures and marker."""
    project.write(
        {
            "nbs/etl.py": ETL,
            "conftest.py": FAKE,
            "test_it.py": """
                import unittest
                import pytest
                from nbs.etl import env, rate, rows

                class Checks(unittest.TestCase):
                    def test_rate(self): self.assertEqual(rate(), 3)

                    def test_rows(self): self.assertEqual(rows(), 3)

                    @pytest.mark.nbh_widgets(env="x")
                    def test_env(self): self.assertEqual(env(), "x")
                """,
        }
    )

    project.run(*workers).assert_outcomes(passed=3)


def test_the_marker_is_registered(project):
    """Under --strict-markers nbh_widgets is known, and `pytest --markers` explains it."""
    project.write(
        {
            "test_it.py": """
                import pytest

                @pytest.mark.nbh_widgets(a="1")
                def test_a(dbutils): assert dbutils.widgets.get("a") == "1"
                """,
        }
    )

    project.run("--strict-markers").assert_outcomes(passed=1)
    project.run("--markers").stdout.fnmatch_lines(["@pytest.mark.nbh_widgets(*widget values*"])


def test_the_first_notebook_of_a_run_loaded_in_a_test(project):
    """It has the test's fixtures, as every other."""
    project.write(
        {
            "nbs/etl.py": ["def day(): return dbutils.widgets.get('day')"],
            "test_it.py": """
                from harness import load_notebook

                def test_it(): assert load_notebook("nbs/etl.py", widgets={"day": "monday"}).day() == "monday"
                """,
        }
    )

    project.run().assert_outcomes(passed=1)


GIVEN = {
    "nbs/etl.py": ETL,
    "test_given.py": """
        import pytest
        import nbs.etl
        from harness import load_notebook

        at_import = load_notebook("nbs/etl.py", values={"RATE": 1})

        @pytest.fixture(scope="module")
        def for_all():
            return load_notebook("nbs/etl.py", values={"RATE": 2})

        def test_by_path(notebook): assert notebook("nbs/etl.py", values={"RATE": 7}).rate() == 7
        def test_patched(monkeypatch):
            monkeypatch.setattr(nbs.etl, "RATE", 5)
            assert nbs.etl.rate() == 5
        def test_fails(monkeypatch):
            monkeypatch.setattr(nbs.etl, "RATE", 5)
            assert nbs.etl.rate() == 4
        def test_first(for_all): assert for_all.rate() == 2
        def test_second(for_all): assert for_all.rate() == 2
        def test_at_import(): assert at_import.rate() == 1
        """,
    "test_not_given.py": "import nbs.etl\ndef test_own(): assert nbs.etl.rate() == 3\n",
}


def given_in(path):
    """Give each test's values given by hand, as the JUnit file lists them."""
    cases = ET.parse(path).iter("testcase")
    return {case.get("name"): [p.get("value") for p in case.iter("property")] for case in cases}


def test_values_given_by_hand_are_listed(project, workers):
    """JUnit lists what a test gave a notebook by hand; a failing one shows it in the terminal too."""
    project.write(GIVEN)

    result = project.run("--junitxml=results.xml", *workers)

    given = given_in(project.path / "results.xml")
    assert {name for name, values in given.items() if values == ["nbs/etl.py: RATE"]} >= {
        "test_by_path",
        "test_patched",
        "test_fails",
    }
    assert given["test_own"] == []
    result.stdout.fnmatch_lines(["*notebook values given by the test*", "nbs/etl.py: RATE"])


def test_values_given_for_more_than_one_test_are_listed_with_each(project, workers):
    """A notebook that a module or a wider fixture loaded with values of its own is no less replaced in the second test."""
    project.write(GIVEN)

    project.run("--junitxml=results.xml", *workers)

    given = given_in(project.path / "results.xml")
    assert given["test_first"] == given["test_second"] == given["test_at_import"] == ["nbs/etl.py: RATE"]


def test_a_misspelt_widget_of_a_mark_is_told(project):
    """The test would pass with the default. A module's mark may be for other tests, and a widget that is asked for is right."""
    project.write(
        {
            "nb.py": [
                'dbutils.widgets.text("catalog", "dev")\nCATALOG = dbutils.widgets.get("catalog")',
                "def table():\n    return f'{CATALOG}.t'",
                'def other():\n    return dbutils.widgets.get("catalogs")',
            ],
            "test_it.py": """
                import pytest
                import nb

                pytestmark = pytest.mark.nbh_widgets(katalog="mine")

                @pytest.mark.nbh_widgets(catlog="mine")
                def test_wrong():
                    assert nb.table()

                @pytest.mark.nbh_widgets(catlog="mine")
                def test_fails_by_itself():
                    assert nb.table() == "mine.t"

                @pytest.mark.nbh_widgets(catalogs="mine", env="x")
                def test_both():
                    assert (nb.table(), nb.other()) == ("dev.t", "mine")

                def test_default():
                    assert nb.table() == "dev.t"
                """,
        }
    )

    result = project.run()

    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(
        [
            'NBH351 no widget "catlog" was asked for',
            '  cause: the test gives it a value, and "catalog" took its default',
            '  mend:  did you mean "catalog"?',
            "*AssertionError: assert 'dev.t' == 'mine.t'",
        ]
    )
