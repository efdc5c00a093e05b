from __future__ import annotations

import abc
from unittest.mock import patch

import pytest

from harness.errors import NutterCaseError
from harness.runtime.nutter import NutterFixture, tag
from harness.runtime.nutter_roles import check_object, is_fixture, read_fixture


def method(name, body="pass", *, before="def"):
    """The lines of a method."""
    return f"    {before} {name}(self):\n        {body}\n"


@pytest.fixture
def fixture_of():
    """Make a fixture's class of methods; what stands beside the class is given by name."""

    def make(*methods, bases="NutterFixture", **beside):
        names = {"NutterFixture": NutterFixture, "__name__": __name__, "patch": patch, "tag": tag, **beside}
        exec(f"class T({bases}):\n" + ("\n".join(methods) or "    pass\n"), names)
        return names["T"]

    return make


def faults(kind):
    """The text of each fault, by name."""
    return {fault.name: str(fault.error) for fault in read_fixture(kind).faults}


def test_a_case_has_the_methods_of_its_name(fixture_of):
    """Each role at most once; cases in the order of their names, as Nutter runs them."""
    kind = fixture_of(
        *map(method, ["run_b", "assertion_b", "after_b", "before_b", "assertion_a", "before_all", "after_all", "_own"])
    )

    plan = read_fixture(kind)

    assert [(case.name, sorted(case.methods)) for case in plan.cases] == [
        ("a", ["assertion"]),
        ("b", ["after", "assertion", "before", "run"]),
    ]
    assert plan.around == {"before_all", "after_all"}
    assert plan.faults == ()


def test_prefixes_are_taken_off_in_nutters_order(fixture_of):
    """``run_after_load`` belongs to the case ``load``, odd as that is."""
    plan = read_fixture(fixture_of(method("run_after_load"), method("assertion_load")))

    assert [(case.name, dict(case.methods)) for case in plan.cases] == [
        ("load", {"assertion": "assertion_load", "run": "run_after_load"})
    ]


def test_inherited_methods_count(fixture_of):
    """A case may have its methods from several classes."""
    base = fixture_of(method("run_x"), method("before_all"))

    plan = read_fixture(fixture_of(method("assertion_x"), bases="Base", Base=base))

    assert [case.name for case in plan.cases] == ["x"]
    assert plan.around == {"before_all"}
    assert plan.faults == ()


def test_decorated_static_and_class_methods_are_methods(fixture_of):
    """What is called with or without the object is a method all the same."""
    plan = read_fixture(
        fixture_of(
            "    @staticmethod\n    def assertion_a(): pass\n",
            "    @classmethod\n    def assertion_b(cls): pass\n",
            "    @patch('os.getcwd')\n    def assertion_c(self, cwd): pass\n",
        )
    )

    assert [case.name for case in plan.cases] == ["a", "b", "c"]
    assert plan.faults == ()


def test_tags_are_those_of_the_run(fixture_of):
    """A text or a list."""
    kind = fixture_of(
        "    @tag('slow')\n    def run_a(self): pass\n",
        "    @tag(['slow', 'nightly'])\n    def run_b(self): pass\n",
        *map(method, ["assertion_a", "assertion_b", "assertion_c"]),
    )

    assert [case.tags for case in read_fixture(kind).cases] == [("slow",), ("slow", "nightly"), ()]


@pytest.mark.parametrize(
    ("methods", "name", "told"),
    [
        pytest.param(["run_x"], "x", "add assertion_x", id="run alone"),
        pytest.param(["after_x"], "x", "there is after_x, and no assertion_x", id="after alone"),
        pytest.param(["run_x", "assertoin_x"], "x", "did you mean assertion_x by assertoin_x?", id="misspelt assertion"),
        pytest.param(["run_load", "assertion_loda"], "load", "assertion_load by assertion_loda?", id="misspelt case"),
        pytest.param(["assertion_load", "after_loda"], "loda", "did you mean after_load?", id="misspelt case of after"),
        pytest.param(["before_al", "assertion_x"], "al", "did you mean before_all?", id="misspelt all"),
        pytest.param(["before_each", "assertion_x"], "each", "Nutter has no before_each", id="another framework's"),
    ],
)
def test_a_case_without_an_assertion_is_a_fault(fixture_of, methods, name, told):
    """Nothing would be checked; what may be meant is named."""
    found = faults(fixture_of(*map(method, methods)))

    assert list(found) == [name]
    assert f"the case '{name}' of T has no assertion" in found[name]
    assert told in found[name]
    assert "assertoin_x" not in found


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("asertion_x", "assertion_x"),
        ("assert_x", "assertion_x"),
        ("Assertion_x", "assertion_x"),
        ("assertionTotal", "assertion_total"),
        ("rn_x", "run_x"),
        ("Run_x", "run_x"),
        ("run", "run_…"),
        ("befor_x", "before_x"),
        ("beforeAll", "before_all"),
        ("before__all", "before_all"),
        ("afterall", "after_all"),  # codespell:ignore
        ("test_total", "assertion_total"),
        ("setUp", "before_all"),
        ("tearDownClass", "after_all"),
    ],
)
def test_what_looks_like_a_role_and_is_not_used_is_a_fault(fixture_of, name, meant):
    """Nobody would ever call it; the near miss is named."""
    found = faults(fixture_of(method(name), method("assertion_y")))

    assert any(f"did you mean {meant}" in text for text in found.values()), found


@pytest.mark.parametrize(
    "methods",
    [
        pytest.param([method("test_rows"), method("assertion_y", "self.test_rows()")], id="by a method"),
        pytest.param(
            [method("alter_table"), method("assertion_y", "[self.alter_table() for _ in 'ab']")], id="by an inner one"
        ),
        pytest.param([method("setup"), method("assertion_y", "getattr(self, 'setup')()")], id="by a text"),
        pytest.param([method("make_rows"), method("rerun"), method("_run_x"), method("assertion_y")], id="by nobody"),
        pytest.param(["    @property\n    def test_data(self): return 1\n", method("assertion_y")], id="not a method at all"),
    ],
)
def test_helpers_may_have_any_name(fixture_of, methods):
    """What is used, or looks like no role, is left alone."""
    assert faults(fixture_of(*methods)) == {}


def test_a_method_that_calls_only_itself_is_not_used(fixture_of):
    """Mentioning itself makes it no helper."""
    assert list(faults(fixture_of(method("test_x", "self.test_x()"), method("assertion_y")))) == ["test_x"]


@pytest.mark.parametrize(
    ("lines", "name", "what"),
    [
        (method("assertion_x", before="async def"), "assertion_x", "is async, so that calling it runs nothing"),
        (method("assertion_x", "yield"), "assertion_x", "is a generator"),
        (method("assertion_x", "yield", before="async def"), "assertion_x", "is an async generator"),
        (method("before_all", before="async def"), "before_all", "is async"),
        ("    run_date = '2026-01-01'\n", "run_date", "is no method, and Nutter takes it for one"),
        ("    @property\n    def run_date(self): return 1\n", "run_date", "is no method"),
        (method("run_"), "run_", "names no case"),
        (method("run_x") + method("run_after_x") + method("assertion_x"), "x", "two methods of T are the run of the case 'x'"),
        (method("assertion_x") * 2, "assertion_x_is_defined_twice", "the first one, on line 2, is lost"),
        (method("before_all") * 2, "before_all_is_defined_twice", "T.before_all is defined twice"),
    ],
)
def test_a_role_that_cannot_be_played_is_a_fault(fixture_of, lines, name, what):
    """Calling it would run nothing, or something else."""
    found = faults(fixture_of(lines, method("assertion_y")))

    assert list(found) == [name]
    assert what in found[name]
    assert [case.name for case in read_fixture(fixture_of(lines, method("assertion_y"))).cases][-1] == "y"


def test_a_fixture_without_a_case_is_a_fault(fixture_of):
    """Nothing to run is no success."""
    assert list(faults(fixture_of(method("helper")))) == ["no_case"]
    assert list(faults(fixture_of())) == ["no_case"]


def test_a_setter_is_no_second_definition(fixture_of):
    """Properties have their parts under one name."""
    lines = "    @property\n    def total(self): return 1\n    @total.setter\n    def total(self, value): pass\n"

    assert faults(fixture_of(lines, method("assertion_y"))) == {}


def test_fixtures_are_told_by_what_they_are():
    """Ours, and an installed nutter's; not the base class, nor what only has its name."""
    installed = type("NutterFixture", (), {"__module__": "runtime.nutterfixture"})

    assert is_fixture(type("T", (NutterFixture,), {}))
    assert is_fixture(type("T", (type("Base", (installed,), {}),), {}))
    assert not is_fixture(NutterFixture)
    assert not is_fixture(installed)
    assert not is_fixture(type("NutterFixture", (), {}))
    assert not is_fixture("NutterFixture")


def test_an_abstract_class_goes_with_a_fixture():
    """The base class clashes with no abstract one."""

    class Both(NutterFixture, abc.ABC):
        def assertion_x(self): ...

    assert [case.name for case in read_fixture(Both).cases] == ["x"]


def test_an_object_that_was_not_set_up_is_refused(fixture_of):
    """Nutter refuses a constructor that forgets the base class's."""
    kind = fixture_of(method("__init__"), method("assertion_x"))

    with pytest.raises(NutterCaseError, match=r"T.__init__ doesn't call that of NutterFixture"):
        check_object(kind())


def test_what_the_constructor_sets_may_not_look_like_a_case(fixture_of):
    """Nutter would look for it in the object, and we can't know of it before that is made."""
    kind = fixture_of(method("__init__", "NutterFixture.__init__(self); self.run_date = 1"), method("assertion_x"))

    with pytest.raises(NutterCaseError, match="sets run_date, which Nutter takes for a method of a case"):
        check_object(kind())
