# ruff: noqa: D102 -- the methods of the fixtures are what their names say
from __future__ import annotations

import json
import threading

import pytest

from harness.errors import NutterCaseError
from harness.runtime import nutter_results
from harness.runtime.nutter import NutterFixture, NutterFixtureParallelRunner, tag
from harness.runtime.nutter_results import CaseResult, TestExecResults, TestResults


class Log(NutterFixture):
    """A fixture that notes what is called."""

    __test__ = False  # a notebook that pytest collected before would have it taken for one to be run

    def __init__(self):
        self.called = []
        super().__init__()

    def before_all(self):
        self.called.append("before_all")

    def before_b(self):
        self.called.append("before_b")

    @tag(["slow"])
    def run_b(self):
        self.called.append("run_b")

    def assertion_b(self):
        raise ValueError("b is wrong")

    def after_b(self):
        self.called.append("after_b")

    def assertion_a(self):
        self.called.append("assertion_a")

    def after_all(self):
        self.called.append("after_all")


class Broken(NutterFixture):
    """A fixture whose set-up fails."""

    __test__ = False

    def __init__(self):
        self.called = []
        super().__init__()

    def before_all(self):
        raise ValueError("no set-up")

    def assertion_a(self):
        self.called.append("assertion_a")

    def after_all(self):
        self.called.append("after_all")


@pytest.fixture
def told():
    """What those who watch are told."""
    found = []
    nutter_results.WATCHERS.append(found.append)
    yield found
    nutter_results.WATCHERS.remove(found.append)


def names(results):
    """Name and verdict of each result."""
    return [(result.test_name, result.passed) for result in results]


def test_cases_run_in_their_order_and_after_is_called_where_the_assertion_failed(told):
    """before_all first, after_all last; a failed case ends nothing else."""
    fixture = Log()

    done = fixture.execute_tests()

    assert fixture.called == ["before_all", "assertion_a", "before_b", "run_b", "after_b", "after_all"]
    assert names(done.test_results.results) == [("a", True), ("b", False)]
    assert names(told) == [("a", True), ("b", False)]
    assert (done.test_results.num_failures, done.test_results.test_cases, done.test_results.passed()) == (1, 2, False)


def test_after_all_is_called_where_before_all_failed():
    """The exception comes out, as on Databricks, and no case has run."""
    fixture = Broken()

    with pytest.raises(ValueError, match="no set-up"):
        fixture.execute_tests()

    assert fixture.called == ["after_all"]


def test_a_failure_of_after_is_told_beside_the_first_one():
    """Neither hides the other."""

    class T(NutterFixture):
        def assertion_a(self):
            raise ValueError("wrong")

        def after_a(self):
            raise OSError("not cleaned up\n\nJVM stacktrace:\njava.lang.Error\n\tat org.x")

        def assertion_b(self): ...

        def after_b(self):
            raise OSError("not cleaned up\n\nJVM stacktrace:\njava.lang.Error\n\tat org.x")

    first, second = T().execute_tests().test_results.results

    assert isinstance(first.exception, ValueError)
    assert first.exception.__notes__ == ["after_a failed too: OSError: not cleaned up"]
    assert isinstance(second.exception, OSError)
    assert not second.passed


def test_what_cannot_be_a_case_has_failed():
    """A misspelt method and an empty fixture are results, and red."""

    class Misspelt(NutterFixture):
        def assertoin_x(self): ...

        def assertion_y(self): ...

    class Empty(NutterFixture):
        pass

    assert names(Misspelt().execute_tests().test_results.results) == [("assertoin_x", False), ("y", True)]
    assert names(Empty().execute_tests().test_results.results) == [("no_case", False)]


def test_a_notebook_that_ends_inside_a_case_is_told_as_its_failure(told):
    """The assertion was never reached; what ends the notebook isn't kept from it."""

    class T(NutterFixture):
        def run_a(self):
            raise SystemExit("done")

        def assertion_a(self): ...

        def after_all(self):
            self.cleaned = True

    fixture = T()
    with pytest.raises(SystemExit):
        fixture.execute_tests()

    assert names(told) == [("a", False)]
    assert fixture.cleaned


def test_the_report_names_each_case_with_its_error():
    """Failures first, with the user's lines and none of ours."""
    text = Log().execute_tests().to_string()

    head, failed, *rest, passed = text.splitlines()
    assert head == "1 of 2 Nutter cases failed"
    assert failed.startswith("FAILED  Log.b")
    assert "ValueError: b is wrong" in rest[-1]
    assert "in assertion_b" in "".join(rest)
    assert "harness/runtime" not in text
    assert passed.startswith("passed  Log.a")


@pytest.mark.parametrize(
    ("results", "head"),
    [
        ([True] * 3, "3 Nutter cases passed"),
        ([True], "1 Nutter case passed"),
        ([False], "1 of 1 Nutter case failed"),
        ([], "no Nutter case was run"),
    ],
)
def test_the_report_begins_with_how_it_went(results, head):
    """A green one speaks of no failure, and one without a case isn't green."""
    told = TestResults()
    for number, passed in enumerate(results):
        told.append(CaseResult(f"c{number}", passed=passed, execution_time=0.1))

    assert TestExecResults(told).to_string().splitlines()[0] == head
    assert told.passed() is head.endswith("passed")


def test_exit_gives_json_to_dbutils():
    """What a notebook exits with can be read again, whatever the exception was."""
    given = []
    dbutils = type("Dbutils", (), {"notebook": type("Part", (), {"exit": staticmethod(given.append)})})

    Log().execute_tests().exit(dbutils)

    told = json.loads(given[0])
    assert not told["passed"]
    assert [(case["fixture"], case["case"], case["passed"], case["tags"]) for case in told["cases"]] == [
        ("Log", "a", True, []),
        ("Log", "b", False, ["slow"]),
    ]
    assert told["cases"][1]["error"] == "ValueError: b is wrong"


def test_the_parallel_runner_runs_fixtures_at_once():
    """Each in a thread of its own: one waits for the other."""
    meeting = threading.Barrier(2, timeout=30)

    class T(NutterFixture):
        def assertion_met(self):
            meeting.wait()

    runner = NutterFixtureParallelRunner(num_of_workers=2)
    runner.add_test_fixture(T())
    runner.add_test_fixture(T())

    assert names(runner.execute().test_results.results) == [("met", True), ("met", True)]


def test_the_parallel_runner_drops_no_fixture(told):
    """One whose set-up failed is among the results, red."""
    runner = NutterFixtureParallelRunner()
    for fixture in (Log(), Broken()):
        runner.add_test_fixture(fixture)

    done = runner.execute()

    assert names(done.test_results.results) == [("a", True), ("b", False), ("all cases", False)]
    assert "no set-up" in done.to_string()
    assert ("all cases", False) in names(told)


def test_the_parallel_runner_takes_what_nutters_takes():
    """Wrong arguments are the same errors; no fixture at all is one too."""
    for workers in (0, 16):
        with pytest.raises(ValueError, match="it can be 1 to 15"):
            NutterFixtureParallelRunner(workers)
    with pytest.raises(TypeError, match="no NutterFixture"):
        NutterFixtureParallelRunner().add_test_fixture(object())
    with pytest.raises(NutterCaseError, match="no fixture to run"):
        NutterFixtureParallelRunner().execute()


def test_a_fixture_that_was_not_set_up_is_a_result_of_the_runner():
    """Its constructor forgot the base class's, so that it has no results of its own."""

    class T(NutterFixture):
        def __init__(self): ...

        def assertion_a(self): ...

    runner = NutterFixtureParallelRunner()
    runner.add_test_fixture(T())

    assert names(runner.execute().test_results.results) == [("all cases", False)]


@pytest.mark.parametrize(("given", "name"), [(3, "run_x"), ("slow", "assertion_x")])
def test_a_tag_where_none_can_be_is_refused(given, name):
    """As Nutter does."""
    method = type(name, (), {"__name__": name, "__call__": None})

    with pytest.raises(ValueError, match=r"a tag is a text|only a method named run_"):
        tag(given)(method)
