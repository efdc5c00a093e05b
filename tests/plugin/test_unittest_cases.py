"""``unittest.TestCase`` in notebooks: as pytest gives it to a plain module, in both formats."""

from __future__ import annotations

import pytest
from terminal_talk import talk

CELLS = [
    "import unittest\nfrom unittest import IsolatedAsyncioTestCase",
    """
    registry = dict()
    registry["made"] = str(1)

    def lookup(name):
        return registry[name]
    """,
    """
    class Base(unittest.TestCase):
        def check(self, value):
            self.assertTrue(value)


    class Life(Base):
        @classmethod
        def setUpClass(cls):
            cls.log = ["setUpClass"]
            registry["more"] = "2"
            dbutils.widgets.text("env", "test")

        @classmethod
        def tearDownClass(cls):
            print("tearDownClass", len(cls.log), sorted(registry))
            dbutils.widgets.text("other", "2")

        def setUp(self):
            self.log.append("setUp")
            self.addCleanup(self.log.append, "cleanup")

        def tearDown(self):
            self.log.append("tearDown")

        def test_a(self):
            assert (self.log, lookup("more")) == (["setUpClass", "setUp"], "2")

        def test_b(self):
            self.check(self.log[1:4] == ["setUp", "tearDown", "cleanup"])
            self.assertEqual(lookup("more"), "2")

        @unittest.skip("not now")
        def test_skipped(self):
            self.fail()

        @unittest.expectedFailure
        def test_expected(self):
            self.fail()

        def test_wrong(self):
            total = 3

            assert total == 4


    class Waits(IsolatedAsyncioTestCase):
        async def asyncSetUp(self):
            self.value = 1

        async def test_ok(self):
            self.assertEqual(self.value, 1)

        async def test_no(self):
            self.assertEqual(self.value, 2)


    @unittest.skipIf(True, "as a whole")
    class Off(unittest.TestCase):
        def test_it(self):
            self.fail()
    """,
    """
    open("ran_" + "top_level", "w")
    suite = unittest.TestLoader().loadTestsFromTestCase(Life)
    unittest.TextTestRunner(verbosity=2).run(suite)
    """,
]


@pytest.fixture(params=["test_life.py", "life_test.ipynb"])
def life(request, project):
    """A notebook of TestCases in each format."""
    project.write({request.param: CELLS})
    project.name = request.param
    return project


def test_cases_have_all_that_pytest_gives_them(life):
    """Set-up and tear-down of method and class, skips, expected failures, async, whatever the class's name."""
    result = life.run("-v", "-rs", "-s")

    result.assert_outcomes(passed=3, failed=2, skipped=2, xfailed=1)
    result.stdout.fnmatch_lines(
        [
            f"{life.name}::Life::test_a PASSED*",
            f"{life.name}::Life::test_wrong FAILEDtearDownClass 13 ['made', 'more']",
            f"{life.name}::Waits::test_no FAILED*",
            f"{life.name}::Waits::test_ok PASSED*",
            f"{life.name}::Off::test_it SKIPPED*",
            ">*assert total == 4",
            "E*assert 3 == 4",
            f"{life.name}:* (cell 3, line 43) in test_wrong",
        ]
    )
    result.stdout.fnmatch_lines_random(["*not now*", "*as a whole*"])
    assert not life.exists("ran_*")


def test_workers_have_the_same_verdicts(life):
    """Each worker sets its part of a class up; what that does to the notebook's values is there for it."""
    life.run("-n", "2", "-k", "not test_b and not test_a").assert_outcomes(passed=1, failed=2, skipped=2, xfailed=1)
    life.run("-n", "2", "--dist", "loadscope").assert_outcomes(passed=3, failed=2, skipped=2, xfailed=1)


def test_what_a_class_s_set_up_changed_is_gone_after_the_class(project):
    """It is kept for the class's tests and for no other's."""
    project.write(
        {
            "test_v.py": [
                "import unittest\nseen = list()\nseen.append('first')",
                "count = 0\ndef more():\n    global count\n    count += 1",
                """
                class A(unittest.TestCase):
                    @classmethod
                    def setUpClass(cls):
                        seen.append("A")
                        more()
                    def test_a(self):
                        seen.append("test_a")
                        assert (seen, count) == (["first", "A", "test_a"], 1)
                    def test_b(self):
                        more()
                        assert count == 2

                class B(unittest.TestCase):
                    def test_a(self): assert (seen, count) == (["first"], 0)
                    def test_b(self): seen.append("B")
                    def test_c(self): assert seen == ["first"]
                """,
            ]
        }
    )

    project.run().assert_outcomes(passed=5)


def test_each_test_of_a_class_has_its_own_widgets(project):
    """What setUpClass made of values stays; what belongs to a test, its ``dbutils`` and widgets, doesn't."""
    project.write(
        {
            "test_w.py": [
                "import pytest, unittest\ndbutils.widgets.text('env', 'default')",
                """
                class T(unittest.TestCase):
                    @classmethod
                    def setUpClass(cls):
                        assert dbutils.widgets.get("env") == "default"
                    def test_a(self): assert dbutils.widgets.get("env") == "default"
                    @pytest.mark.nbh_widgets(env="own")
                    def test_b(self): assert dbutils.widgets.get("env") == "own"
                    def test_c(self): assert dbutils.widgets.get("env") == "default"
                """,
            ]
        }
    )

    project.run().assert_outcomes(passed=3)


def test_sub_tests_are_told_one_by_one(project):
    """Each with its parameters and its line, where this pytest has sub-tests."""
    cell = """
        class T(unittest.TestCase):
            def test_it(self):
                for n in range(3):
                    with self.subTest(n=n):
                        self.assertNotEqual(n, 1)
        """
    project.write({"test_s.py": ["import unittest", cell]})

    result = project.run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["E*AssertionError: 1 == 1", "test_s.py:* (cell 2, line 5) in test_it"])


def test_python_functions_has_no_say_in_a_test_case(project):
    """What unittest takes for a test is one: a notebook of such cases alone isn't one without tests."""
    project.pytester.makeini("[pytest]\npython_functions = check_*\n")
    project.write({"test_p.py": ["import unittest\nclass T(unittest.TestCase):\n    def test_it(self): pass"]})

    project.run().assert_outcomes(passed=1)


def test_a_class_that_another_of_its_name_replaces_is_told(project):
    """A cell was copied: the first one's tests would be gone without a word."""
    first = "import unittest\nclass T(unittest.TestCase):\n    def test_first(self): self.fail()"
    project.write({"test_t.py": [first, "class T(unittest.TestCase):\n    def test_second(self): pass"]})

    result = project.run("-v")

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "test_t.py::T_is_defined_twice FAILED*",
            "test_t.py:3 (cell 1, line 2): NBH110 the tests of this class T are lost",
            "  cause: another class of that name takes its place: test_t.py:8 (cell 2, line 1)",
        ]
    )


def test_a_notebook_that_is_run_twice_has_its_classes_once(project):
    """The same class by two ways of ``%run`` is one."""
    project.write(
        {
            "common.py": ["import unittest\nclass T(unittest.TestCase):\n    def test_it(self): pass"],
            "other.py": ["# MAGIC %run ./common"],
            "test_r.py": ["# MAGIC %run ./common", "# MAGIC %run ./other"],
        }
    )

    project.run().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "cells",
    [
        ["import unittest", "class Late(unittest.TestCase):\n    rows = spark.range(3)\n    def test_it(self): pass"],
        ["from unittest import TestCase as Case", "class Late(Case):\n    rows = spark.range(3)\n    def check(self): pass"],
        [
            "import unittest\nclass B(unittest.TestCase):\n    rows = spark.range(3)",
            "class Late(B):\n    def test_it(self): pass",
        ],
        ["from gone import Base", "class Late(Base):\n    def test_it(self): pass"],
    ],
    ids=["itself", "by another name", "through a class that is late too", "a base nobody knows"],
)
def test_a_test_case_that_needs_a_test_to_exist_fails(project, cells):
    """It can't be looked into at collection; what may hold tests isn't left out."""
    project.write({"test_l.py": [*cells, "def test_ok(): pass"]})

    result = project.run("-v")

    assert result.parseoutcomes()["passed"] == 1
    result.stdout.fnmatch_lines(["test_l.py::Late FAILED*"])
    result.stdout.fnmatch_lines(["*NBH110 the test class Late can't be collected"])


def test_a_late_class_without_tests_is_left_alone(project):
    """Most classes whose body computes are none of tests."""
    project.write(
        {
            "test_l.py": [
                "class Late:\n    rows = spark.range(3)",
                "import gone\nclass Other(gone.Base): pass",
                "def test_ok(): pass",
            ]
        }
    )

    project.run().assert_outcomes(passed=1)


def test_pdb_stands_before_tear_down(life):
    """--pdb stops on the failing line; tearDown waits, as in a plain module."""
    stands = ("p total + 4, self.log", r"\(7, \['setUpClass', 'setUp', 'cleanup'\]\)")  # but no tearDown
    steps = [("", r"\(Pdb\) "), stands, ("c", "1 failed")]
    talk(life.path, "--pdb", "-p", "no:cacheprovider", "-k", "test_wrong", life.name, steps=steps)


def test_a_method_that_would_run_nothing_fails(project):
    """For unittest calls it as it is, and takes a coroutine that nobody awaits for passed."""
    project.write(
        {
            "test_v.py": [
                "import unittest\nfrom unittest import IsolatedAsyncioTestCase",
                """
                class Hollow(unittest.TestCase):
                    async def test_waits(self):
                        self.fail()
                    def test_yields(self):
                        yield self.fail()
                    async def test_both(self):
                        yield self.fail()
                    @unittest.skip("not now")
                    async def test_skipped(self):
                        self.fail()
                    def test_plain(self):
                        pass


                class Waits(IsolatedAsyncioTestCase):
                    async def test_ok(self):
                        pass
                """,
            ]
        }
    )

    result = project.run("-v")

    result.assert_outcomes(passed=2, failed=3, skipped=1)
    result.stdout.fnmatch_lines_random(
        [
            "test_v.py:8 (cell 2, line 2): NBH110 Hollow.test_waits is async, so that calling it runs nothing",
            "*mend:  make it a plain method; IsolatedAsyncioTestCase runs a coroutine",
            "*Hollow.test_yields is a generator, so that calling it runs nothing",
            "*Hollow.test_both is an async generator*",
        ]
    )


def test_a_test_that_another_takes_the_place_of_fails(project):
    """Functions and methods, as classes do: the first one would be gone without a word."""
    project.write(
        {
            "test_v.py": [
                "import unittest",
                """
                class Case(unittest.TestCase):
                    def test_a(self):
                        self.fail()
                    def helper(self):
                        return 1
                    def helper(self):
                        return 2
                    def test_a(self):
                        pass


                class TestPlain:
                    def test_b(self):
                        raise ValueError
                    def test_b(self):
                        pass
                """,
                "def test_c():\n    raise ValueError\n\ndef helper():\n    pass\n\ndef helper():\n    pass",
                "def test_c():\n    pass",
                "import sys\nif sys.argv:\n    def test_d():\n        pass\nelse:\n    def test_d():\n        pass",
            ]
        }
    )

    result = project.run("-v")

    result.assert_outcomes(passed=4, failed=3)
    result.stdout.fnmatch_lines_random(
        [
            "test_v.py:7 (cell 2, line 2): NBH110 the test Case.test_a is lost",
            "*cause: another method of that name takes its place, on line 13",
            "test_v.py:18 (cell 2, line 13): NBH110 the test TestPlain.test_b is lost",
            "test_v.py:* (cell 3, line 1): NBH110 the test test_c is lost",
            "*cause: another function of that name takes its place: test_v.py:* (cell 4, line 1)",
        ]
    )
