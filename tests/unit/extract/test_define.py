"""Functions that are there although a part of their definition failed."""

from __future__ import annotations

import pytest

from harness.errors import PlaceholderError


def test_function_whose_annotation_fails_keeps_its_other_defaults(project):
    """Literal ones and computed ones."""
    module = project.load(
        "import no_such_package", "RATE = 2\ndef f(x: no_such_package.T, y=1, *, z=RATE):\n    return x, y, z"
    )

    assert module.f(0) == (0, 1, 2)


def test_default_that_fails_is_told_when_it_is_used(project):
    """Passing the argument is the way out."""
    module = project.load("import no_such_package", "def f(x=no_such_package.VALUE, *, y=1 / 0):\n    return len(x)")

    assert module.f("abc") == 3
    with pytest.raises(PlaceholderError, match="No module named 'no_such_package'"):
        module.f()


def test_class_whose_base_fails_waits_for_a_test(project):
    """It can't be defined, and says so when it is used."""
    module = project.load("import no_such_package", "class Model(no_such_package.Base):\n    pass")

    with project.test(spark="a session"), pytest.raises(PlaceholderError, match="No module named 'no_such_package'"):
        module.Model()


@pytest.mark.parametrize("decorator", ["@staticmethod", "@print('deferred')"])
def test_function_that_python_refuses_is_told_when_it_is_called(project, decorator):
    """Also where its decorator made it wait for a test, so that loading didn't meet the error."""
    module = project.load(f"{decorator}\ndef f():\n    nonlocal x", "def g():\n    return 1")

    assert module.g() == 1
    with project.test(), pytest.raises(PlaceholderError, match="no binding for nonlocal 'x' found"):
        module.f()
