"""The fixtures that stand for what a notebook finds around it."""

from __future__ import annotations

import textwrap

import pytest

TESTS = """\
import pytest

pytestmark = pytest.mark.nbh_widgets(catalog="module", schema="module", table="module")


@pytest.mark.nbh_widgets(schema="class", table="class")
class TestMarkers:
    @pytest.mark.nbh_widgets(table="test")
    def test_closest_wins(self, dbutils):
        assert dbutils.widgets.getAll() == {"catalog": "module", "schema": "class", "table": "test"}


def test_one_leaves_a_widget(dbutils):
    dbutils.widgets.text("left", "over")


def test_another_does_not_find_it(dbutils):
    assert "left" not in dbutils.widgets.getAll()


def test_display(display, displayHTML):
    display([1])
    displayHTML("<b>done</b>")

    assert display.shown == [[1]]
    assert displayHTML.shown == ["<b>done</b>"]
"""


@pytest.mark.parametrize("options", [["-p", "no:xdist"], ["-n", "2"]], ids=["plain", "xdist"])
def test_each_test_has_its_own(pytester, options):
    """Markers merge, and nothing is left from one test to the next."""
    pytester.makepyfile(TESTS)

    result = pytester.runpytest_subprocess("--strict-markers", *options)

    result.assert_outcomes(passed=4)


def test_marker_without_a_name_is_refused(pytester):
    """A value that can't arrive must not be lost silently."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.nbh_widgets("test")
        def test_it(dbutils):
            pass
        """
    )

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*NBH352 the marker nbh_widgets takes names and values", "*cause: it got 'test' without a name"]
    )


def test_spark_without_pyspark_is_an_error(pytester, monkeypatch):
    """Not a skip: a test that did not run is not to look like one that need not."""
    pytester.makepyfile("def test_it(spark):\n    pass\n")
    pytester.makeconftest(
        """
        from harness.spark import facts, home

        facts.version_of = lambda name: None
        home.find_spec = lambda name: None
        """
    )

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*NBH304 the fixture spark needs pyspark", '*mend: *pip install "databricks-notebook-harness?local?"']
    )


OWN = {
    "at once": """
        from pyspark.dbutils import DBUtils

        @pytest.fixture(scope="session")
        def dbutils():
            return DBUtils(None)
        """,
    "imported": """
        from databricks.sdk.runtime import dbutils as theirs

        @pytest.fixture
        def dbutils():
            return theirs
        """,
    "used as it is made": """
        @pytest.fixture
        def dbutils():
            from pyspark.dbutils import DBUtils

            made = DBUtils(None)
            made.widgets.get("who")
            return made
        """,
}


@pytest.mark.parametrize("own", OWN.values(), ids=OWN.keys())
def test_a_fixture_of_that_name_made_of_the_runtimes(pytester, own):
    """As many projects have one: it is each test's own, and what notebook code finds."""
    pytester.makeconftest("import pytest\n" + textwrap.dedent(own))
    pytester.makepyfile(
        etl='# Databricks notebook source\ndef who():\n    return dbutils.widgets.get("who")\n',
        test_etl="""
        import pytest

        @pytest.mark.parametrize("who", [pytest.param(who, marks=pytest.mark.nbh_widgets(who=who)) for who in ("one", "two")])
        def test_who(dbutils, notebook, who):
            assert dbutils.widgets.get("who") == who
            assert notebook("etl.py").who() == who

        @pytest.mark.nbh_widgets(who="three")
        def test_of_the_notebook_alone(notebook):
            assert notebook("etl.py").who() == "three"
        """,
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=3)


def test_another_fixture_of_that_name_wins(pytester):
    """A user's own stand-in is what notebook code finds, and what a module gets of the runtime."""
    pytester.makeconftest(
        "import pytest\nfrom types import SimpleNamespace\n\n"
        "@pytest.fixture\ndef dbutils():\n    return SimpleNamespace(widgets={'who': 'mine'})\n"
    )
    pytester.makepyfile(
        etl='# Databricks notebook source\ndef who():\n    return dbutils.widgets["who"]\n',
        test_etl="""
        def test_who(notebook):
            from pyspark.dbutils import DBUtils

            assert notebook("etl.py").who() == DBUtils(None).widgets["who"] == "mine"
        """,
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=1)
