"""Nutter's cases in notebooks as pytest items, with all that items have."""

from __future__ import annotations

import importlib
import re
import sys
import xml.etree.ElementTree as ET

import pytest
from terminal_talk import talk

# A run in this process drops what it imported when it ends: the modules of the harness must stay the same.
for _name in ("nutter", "nutter_import", "nutter_names", "nutter_results", "nutter_roles"):
    importlib.import_module(f"harness.runtime.{_name}")

IMPORT = "from runtime.nutterfixture import NutterFixture, tag"
CASES = [
    IMPORT,
    """
    class Orders(NutterFixture):
        def __init__(self):
            self.log = []
            super().__init__()

        def before_all(self):
            self.log.append("before_all")
            dbutils.widgets.text("env", "test")

        def before_good(self):
            self.log.append("before_good")

        @tag(["slow", "nightly run", "skip"])
        def run_good(self):
            self.log.append("run_good")

        def assertion_good(self):
            assert self.log == ["before_all", "assertion_early", "before_good", "run_good"]
            assert dbutils.widgets.get("env") == "test"

        def assertion_early(self):
            self.log.append("assertion_early")

        def run_wrong(self):
            self.total = 3

        def assertion_wrong(self):
            expected = 4

            assert self.total == expected

        def after_wrong(self):
            print("after_wrong was called")

        def after_all(self):
            print("after_all", self.log[-1], dbutils.widgets.get("env"))
    """,
    """
    open("ran_" + "top_level", "w")
    result = Orders().execute_tests()
    print(result.to_string())
    result.exit(dbutils)
    """,
]


@pytest.fixture(params=["test_orders.py", "orders_test.ipynb"])
def orders(request, project):
    """A notebook with a Nutter fixture in each format."""
    project.write({request.param: CASES})
    project.name = request.param
    return project


def test_each_case_is_an_item(orders):
    """In Nutter's order, on one object, between before_all and after_all; the notebook's top level isn't run."""
    result = orders.run("-v")

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            f"{orders.name}::Orders::early PASSED*",
            f"{orders.name}::Orders::good PASSED*",
            f"{orders.name}::Orders::wrong FAILED*",
            "*expected = 4",
            ">*assert self.total == expected",
            "E*assert 3 == 4*",
            "*where 3 = *.total",
            "after_wrong was called",
            "after_all run_good test",
        ]
    )
    line = {"test_orders.py": 35, "orders_test.ipynb": 47}[orders.name]
    result.stdout.fnmatch_lines([f"{orders.name}:{line} (cell 2, line 30) in assertion_wrong"])
    assert not orders.exists("ran_*")


def test_workers_have_the_same_verdicts(orders):
    """With two workers and each fixture on one of them."""
    result = orders.run("-n", "2", "--dist", "loadscope")

    result.assert_outcomes(passed=2, failed=1)
    assert not orders.exists("ran_*")


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        (("-m", "slow"), 0),
        (("-k", "early"), 1),
        (("-k", "nightly"), 0),
        (("-k", "Orders and not wrong"), 2),
        (("{}::Orders::early",), 1),
        (("{}::Orders",), 2),
    ],
)
def test_cases_are_chosen_by_tag_name_and_id(orders, arguments, passed):
    """Tags are marks and words; one case alone has the set-up of all."""
    outcomes = orders.run(*(argument.format(orders.name) for argument in arguments)).parseoutcomes()

    assert outcomes.get("passed", 0) == passed
    if "slow" in arguments or "nightly" in arguments:
        assert outcomes["failed"] == 1  # the case expects that another ran before


def test_tags_are_no_unknown_marks(orders):
    """Strict about marks, and with warnings as errors."""
    orders.run("--strict-markers", "-W", "error").assert_outcomes(passed=2, failed=1)


def test_junit_has_the_cases(orders):
    """With class and name."""
    orders.run("--junitxml=out.xml")

    found = [
        (case.get("classname"), case.get("name"), len(case)) for case in ET.parse(orders.path / "out.xml").iter("testcase")
    ]
    module = orders.name.removesuffix(".py")
    assert [one[:2] for one in found] == [(f"{module}.Orders", name) for name in ("early", "good", "wrong")]
    assert found[2][2] > 0


def test_collecting_makes_no_object(project):
    """Constructors belong to the run: they may use Spark."""
    project.write(
        {"test_c.py": [IMPORT, "class T(NutterFixture):\n    def __init__(self): 1 / 0\n    def assertion_a(self): pass"]}
    )

    project.run("--collect-only", "-q").stdout.fnmatch_lines(["test_c.py::T::a"])
    project.run().assert_outcomes(errors=1)


def test_marks_and_fixtures_hold_for_cases(project):
    """Marks on methods and class, autouse fixtures of the conftest around each case."""
    project.write(
        {
            "conftest.py": """
                import pytest

                @pytest.fixture(autouse=True)
                def around(request):
                    print("around", request.node.name, request.cls.__name__, request.instance is not None)
                    yield
                    print("end of", request.node.name)

                @pytest.fixture(autouse=True, scope="module")
                def once():
                    print("once")
                """,
            "test_m.py": [
                "import pytest, unittest\n" + IMPORT,
                """
                @pytest.mark.nbh_widgets(env="test")
                class T(NutterFixture):
                    def before_all(self): print("before_all", dbutils.widgets.get("env"))

                    @pytest.mark.skip(reason="not today")
                    def run_skipped(self): pass
                    def assertion_skipped(self): assert 0

                    @pytest.mark.xfail(reason="known")
                    def assertion_known(self): assert 0

                    @unittest.skip("neither")
                    def assertion_neither(self): assert 0

                    def run_plain(self): print("run", dbutils.widgets.get("env"))
                    def assertion_plain(self): pass
                    def after_plain(self): print("after")
                    def after_all(self): print("after_all")
                """,
            ],
        }
    )

    result = project.run("-rsx", "-s")

    result.assert_outcomes(passed=1, skipped=2, xfailed=1)
    result.stdout.fnmatch_lines_random(["*not today*", "*neither*"])
    text = re.sub(r"(?m)^\.", "", result.stdout.str())
    told = re.findall(r"(once|before_all test|around plain T True|run test|after_all|after$|end of plain)", text, re.MULTILINE)
    assert told == ["once", "before_all test", "around plain T True", "run test", "after", "end of plain", "after_all"]


def test_cases_share_what_the_notebook_computes(project):
    """A value that one case changes in place is that for the next, as in the notebook itself; another fixture has its own."""
    project.write(
        {
            "test_v.py": [
                IMPORT,
                "seen = list()\nseen.append('first')",
                """
                class A(NutterFixture):
                    def before_all(self): seen.append("before_all")
                    def assertion_a(self):
                        seen.append("a")
                        assert seen == ["first", "before_all", "a"]
                    def assertion_b(self): assert seen == ["first", "before_all", "a"]

                class B(NutterFixture):
                    def assertion_a(self): assert seen == ["first"]
                """,
            ]
        }
    )

    project.run().assert_outcomes(passed=3)


def test_classes_of_other_notebooks_are_bases(project):
    """A fixture is told by what it is, through whatever class and notebook; a base that isn't whole is no test itself."""
    project.write(
        {
            "nbs/base.py": [
                IMPORT,
                "class Base(NutterFixture):\n    def run_x(self): self.v = self.make()\n    def make(self): return 1",
            ],
            "test_d.py": ["# MAGIC %run ./nbs/base", "class Derived(Base):\n    def assertion_x(self): assert self.v == 1"],
        }
    )

    result = project.run("-v")

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["test_d.py::Derived::x PASSED*"])


def test_a_plain_test_file_may_hold_fixtures_too(project):
    """Not only notebooks: whoever moves code to a module keeps the tests."""
    project.write(
        {
            "test_plain.py": IMPORT
            + "\nclass T(NutterFixture):\n    def assertion_a(self): assert 1\n    def assertoin_b(self): pass\n"
        }
    )

    result = project.run("-v")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["test_plain.py:4: NBH116 T.assertoin_b matches no role, and nothing calls it"])


def test_pytest_s_own_way_to_stop_ends_a_fixture_in_order(project):
    """-x in the middle of a class: after_all is called, with the notebook's names still there."""
    project.write(
        {
            "test_x.py": [
                IMPORT,
                """
                class T(NutterFixture):
                    def assertion_a(self): assert 0
                    def assertion_b(self): assert 1
                    def after_all(self): print("cleaned", dbutils.widgets.getAll())
                """,
            ]
        }
    )

    result = project.run("-x")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["cleaned {}"])


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("import sys; sys.exit(3)", "NBH116 T.before_all ended by SystemExit"),
        ("raise KeyError('k')", "KeyError: 'k'"),
    ],
)
def test_whatever_ends_before_all_is_the_error_of_each_case(project, body, told):
    """No case runs on what a half set-up left, and after_all is called."""
    methods = "    def assertion_a(self): pass\n    def assertion_b(self): pass\n"
    methods += "    def after_all(self): open('cleaned', 'w').close()"
    project.write({"test_b.py": [IMPORT, f"class T(NutterFixture):\n    def before_all(self):\n        {body}\n{methods}"]})

    result = project.run()

    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines([f"*{told}*"])
    assert project.exists("cleaned")


def test_a_skip_in_before_all_skips_the_cases(project):
    """As in any fixture of pytest's."""
    lines = "    def before_all(self): pytest.skip('no data')\n    def assertion_a(self): pass\n    def assertion_b(self): pass"
    project.write({"test_s.py": [IMPORT, f"import pytest\nclass T(NutterFixture):\n{lines}"]})

    project.run().assert_outcomes(skipped=2)


def test_a_constructor_that_forgets_the_base_class_is_an_error(project):
    """Nutter refuses it too."""
    lines = "    def __init__(self): self.v = 1\n    def assertion_a(self): pass"
    project.write({"test_i.py": [IMPORT, f"class T(NutterFixture):\n{lines}"]})

    result = project.run()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["test_i.py:7 (cell 2, line 2): NBH116 T.__init__ doesn't call that of NutterFixture"])


def test_whatever_can_be_called_may_be_an_assertion(project):
    """Also what has no code that pytest could show."""
    checks = "class Check:\n    def __call__(self): pass"
    lines = "    assertion_object = Check()\n    assertion_builtin = len"
    project.write({"test_c.py": [f"{IMPORT}\n{checks}", f"class T(NutterFixture):\n{lines}"]})

    project.run().assert_outcomes(passed=1, failed=1)


def test_a_class_that_needs_a_test_to_exist_fails(project):
    """Whatever its name: it is a fixture, so its cases may not go missing."""
    project.write(
        {
            "test_n.py": [
                IMPORT,
                "class Late(NutterFixture):\n    rows = spark.range(3)\n    def assertion_a(self): pass",
                "class Ok(NutterFixture):\n    def assertion_a(self): pass",
                "from gone import Base\nclass Lost(Base):\n    def assertion_a(self): pass",
            ]
        }
    )

    result = project.run("-v")

    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["test_n.py::Late FAILED*", "test_n.py::Lost FAILED*"])
    result.stdout.fnmatch_lines(
        [
            "*the test class Lost can't be collected",
            "*No module named 'gone'*",
            "  mend:  mend the line: a test class is defined before a test could give it a value",
        ]
    )
    result.stdout.no_fnmatch_line("*values={'Lost'*")


def test_a_class_that_is_not_to_be_tested_is_left_out(project):
    """``__test__ = False`` says so, as everywhere in pytest; the base class itself and abstract ones are none."""
    project.pytester.makeini("[pytest]\npython_classes = *\n")
    project.write(
        {
            "test_t.py": [
                IMPORT,
                "import abc",
                """
                class Off(NutterFixture):
                    __test__ = False
                    def assertion_a(self): assert 0

                class Abstract(NutterFixture):
                    @abc.abstractmethod
                    def run_a(self): ...
                    def assertion_a(self): assert 0

                class On(NutterFixture):
                    def assertion_a(self): pass
                """,
            ]
        }
    )

    project.run("-W", "error").assert_outcomes(passed=1)


def test_pdb_stands_in_the_case(orders):
    """--pdb stops on the line of the assertion, with the object as it was."""
    steps = [("", r"\(Pdb\) "), ("p self.total + 1, expected", r"\(4, 4\)"), ("c", "1 failed, 2 passed")]
    talk(orders.path, "--pdb", "-p", "no:cacheprovider", orders.name, steps=steps)


@pytest.fixture
def _no_runtime(monkeypatch):
    """Nutter's modules of a notebook that this very run has collected: a run in this process would find those."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "runtime"]:
        monkeypatch.delitem(sys.modules, name)


OWN = {"runtime/__init__.py": "", "runtime/settings.py": "LIMIT = 7\n"}


@pytest.mark.usefixtures("_no_runtime")
def test_a_package_of_the_users_named_runtime_works_beside_it(project):
    """Its modules are theirs, and Nutter's names are there too."""
    lines = "    def assertion_a(self): assert LIMIT == 7"
    project.write({**OWN, "test_r.py": [IMPORT, f"from runtime.settings import LIMIT\nclass T(NutterFixture):\n{lines}"]})

    project.run().assert_outcomes(passed=1)


INSTALLED = """
class NutterFixture:
    def __init__(self):
        self.data_loader = object()

    def execute_tests(self):
        raise NotImplementedError

def tag(name):
    return lambda function: function
"""


@pytest.mark.usefixtures("_no_runtime")
def test_an_installed_nutter_is_used(project):
    """Its base class is a fixture's base as well, and its cases run as ours do."""
    project.write(
        {
            "runtime/__init__.py": "",
            "runtime/nutterfixture.py": INSTALLED,
            "test_r.py": [
                IMPORT,
                "class T(NutterFixture):\n    def assertion_a(self): assert self.data_loader\n    def run_b(self): pass",
            ],
        }
    )

    project.run().assert_outcomes(passed=1, failed=1)
