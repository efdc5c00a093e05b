"""Loggers that only the whole notebook sets up: a test has one that passes log lines on."""

from __future__ import annotations

import ast
import logging
import pickle

import pytest

from harness.errors import PlaceholderError
from harness.extract.loggers import logger_name

UNSAFE = """
import logging

def get_logger(name):
    logger = logging.getLogger(name)
    logger.addHandler(logging.FileHandler("made.log"))
    return logger
"""


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("log = get_logger()", "log"),
        ("log = logs.LoggingUtils.get_logger()", "log"),
        ("log: Logger = getLogger('orders')", "orders"),
        ("log = exporter.get_otel_logger(cfg, logger_name='orders')", "orders"),
        ("log = setup_logging(level)", "log"),
        ("log = get_logger(__name__)", "log"),
        ("log = MLFlowLogger()", None),
        ("log = get_logger_client()", None),
        ("log, other = get_logger()", None),
        ("log.level = get_logger()", None),
        ("log: Logger", None),
        ("get_logger()", None),
    ],
)
def test_statement_is_told_that_gives_a_logger(statement, name):
    """By the name of what it calls; the logger's own name is the text given, or else the variable's."""
    assert logger_name(ast.parse(statement).body[0]) == name


def test_log_lines_of_a_unit_reach_the_tests_handlers(project, caplog):
    """The notebook's own set-up writes a file, so it isn't run; what the unit logs is seen as from a standard logger."""
    module = project.load(UNSAFE, "log = get_logger('orders')", "def f(n):\n    log.warning('%s rows', n)\n    return n")

    with project.test():
        result = module.f(3)

    assert result == 3
    assert [(r.name, r.getMessage(), r.funcName) for r in caplog.records] == [("orders", "3 rows", "f")]
    assert not (project.folder / "made.log").exists()


def test_logger_under_another_name_is_the_same(project, caplog):
    """`logger = loggr` is kept, and waits for the test."""
    module = project.load(UNSAFE, "loggr = get_logger('a')", "logger = loggr", "def f():\n    logger.error('oh')")

    with project.test():
        module.f()

    assert caplog.messages == ["oh"]


def test_fields_of_structured_logging_are_part_of_the_line(project, caplog):
    """`logger.info("loaded", rows=3)` is no error, as it is none on Databricks."""
    module = project.load("from absent import get_logger", "log = get_logger()", "def f():\n    log.error('loaded', rows=3)")

    with project.test():
        module.f()

    assert caplog.messages == ["loaded rows=3"]


def test_what_a_standard_logger_lacks_fails_by_name(project):
    """A stand-in says what the notebook's own logger would need, rather than make something up."""
    module = project.load(UNSAFE, "log = get_logger('orders')", "def f():\n    return log.bind(user=1)")

    with project.test(), pytest.raises(PlaceholderError) as caught:
        module.f()

    assert caught.value.what == "'log' has no value in a unit test: a held-back statement computes it"
    assert "get_logger(), which calls .addHandler()" in caught.value.cause


def test_level_that_a_unit_sets_ends_with_the_test(project, caplog):
    """Nothing of the logger outlives the test."""
    module = project.load(
        UNSAFE,
        "log = get_logger('orders')",
        "def loud():\n    log.setLevel('DEBUG')\n    log.debug('one')",
        "def f():\n    log.debug('two')",
    )

    with project.test():
        module.loud()
    with project.test():
        module.f()

    assert caplog.messages == ["one"]


def test_logger_can_be_given_by_hand(project):
    """A value given wins, as for any name."""
    mine = logging.getLogger("mine")
    module = project.load(UNSAFE, "log = get_logger('orders')", "def f():\n    return log", values={"log": mine})

    with project.test():
        assert module.f() is mine


def test_logger_is_a_standard_one_where_spark_works(project):
    """Pickled with a function, it is the logger of that name over there."""
    module = project.load(UNSAFE, "log = get_logger('orders')", "def f():\n    return log")

    with project.test():
        copy = pickle.loads(pickle.dumps(module.f()))

    assert copy is logging.getLogger("orders")


def test_call_that_changes_something_besides_is_no_logger_only(project):
    """`seen` is what the held-back call makes of it: leaving that out would give a wrong value."""
    module = project.load(
        "def get_logger(into):\n    into.append(1)\n    open('made.log', 'w')\n    return into",
        "seen = []",
        "log = get_logger(seen)",
        "def f():\n    return seen",
    )

    with project.test(), pytest.raises(PlaceholderError):
        module.f()


def test_logger_that_only_computes_is_the_notebooks_own(project):
    """What is safe runs as it is."""
    module = project.load("import logging", "log = logging.getLogger('orders')", "def f():\n    return log")

    with project.test():
        assert module.f() is logging.getLogger("orders")
