"""The fixtures that stand for what a notebook finds around it."""

from __future__ import annotations

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
