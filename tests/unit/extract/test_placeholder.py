"""What stands where a value isn't, and what it lets pass."""

from __future__ import annotations

import inspect
import pickle

import pytest

from harness.errors import PlaceholderError
from harness.extract.placeholder import Placeholder, is_stand_in_class


@pytest.fixture
def placeholder():
    """A name without a value."""
    return Placeholder(PlaceholderError("'model' has no value", cause="a cause", mend="a mend"))


def test_it_travels_to_another_process_and_refuses_there(placeholder):
    """A function with a placeholder among its names can be pickled for a worker."""
    copy = pickle.loads(pickle.dumps(placeholder))

    assert repr(copy) == "<no value: 'model' has no value>"
    with pytest.raises(PlaceholderError, match="'model' has no value"):
        copy.predict()


def test_introspection_finds_nothing_and_is_no_use(placeholder):
    """Collectors and ``inspect`` ask every object such questions."""
    assert inspect.unwrap(placeholder) is placeholder
    assert not inspect.isfunction(placeholder)
    assert not hasattr(placeholder, "__wrapped__")


def test_setting_an_attribute_and_asking_for_an_instance_are_uses(placeholder):
    """As any other: they raise."""
    with pytest.raises(PlaceholderError):
        placeholder.rate = 1
    with pytest.raises(PlaceholderError):
        isinstance(1, placeholder)
    with pytest.raises(PlaceholderError):

        class Child(placeholder):
            pass


def test_class_that_exists_only_in_a_test_answers_as_the_real_one(project):
    """``issubclass`` and attributes ask the real class; protocols of Python find no special name that it has to work out."""
    module = project.load(
        'kind = dbutils.widgets.get("kind")', "class Model:\n    size = kind", "class Big(Model):\n    pass", "print(Big)"
    )
    model = module.Model

    with project.test({"kind": "4"}):
        found = (model.size, issubclass(module.Big, model), issubclass(int, model))

    assert found == ("4", True, False)
    assert not hasattr(model, "__test__")
    assert is_stand_in_class(model)
    assert not is_stand_in_class(int)


def test_function_changed_by_what_is_held_back_keeps_its_name(project):
    """Its stand-in can be looked at like the function itself."""
    module = project.load('def f(x, y=1):\n    """Add."""\n    return x + y', 'f.tag = dbutils.widgets.get("tag")')

    assert (module.f.__name__, module.f.__doc__) == ("f", "Add.")
    assert str(inspect.signature(module.f)) == "(x, y=1)"
