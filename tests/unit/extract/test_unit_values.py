from __future__ import annotations

import datetime as dt
import sys
import threading
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace

import pytest

from harness.errors import OutsideTestError, PlaceholderError, UnresolvedNameError


def outcome(call):
    """What a call gives, or the code of our error."""
    try:
        return call()
    except PlaceholderError as error:
        return error.code


# -- forgotten at the test's end --


def test_widget_value_is_the_running_tests(project):
    """Each test sees its own widget, not an earlier test's."""
    module = project.load('catalog = dbutils.widgets.get("catalog")', "def table():\n    return catalog + '.t'")

    with project.test({"catalog": "one"}):
        first = module.table()
    with project.test({"catalog": "two"}):
        second = module.table()

    assert (first, second) == ("one.t", "two.t")


def test_constant_derived_from_a_widget_is_forgotten_at_each_step(project):
    """What is computed from a computed name is no more lasting than that."""
    module = project.load('a = dbutils.widgets.get("a")', "b = a", 'c = b + "!"', "def f():\n    return (b, c)")

    with project.test({"a": "one"}):
        module.f()
    with project.test({"a": "two"}):
        second = module.f()

    assert second == ("two", "two!")


def test_value_computed_by_a_function_that_reads_dbutils_is_forgotten(project):
    """Also where the test's dbutils was asked for before, for something else."""
    module = project.load(
        'other = dbutils.widgets.get("a")',
        'def read():\n    return dbutils.widgets.get("a")',
        "found = [read()]",
        "def f():\n    return (other, found)",
    )

    with project.test({"a": "one"}):
        module.f()
    with project.test({"a": "two"}):
        second = module.f()

    assert second == ("two", ["two"])


def test_list_filled_from_widgets_starts_empty_in_each_test(project):
    """A constant that a held-back statement changes in place is made anew."""
    module = project.load("names = []", 'names.append(dbutils.widgets.get("name"))', "def f():\n    return names")

    with project.test({"name": "one"}):
        module.f()
    with project.test({"name": "two"}):
        second = module.f()

    assert second == ["two"]


def test_function_in_a_computed_value_sees_each_tests_widgets(project):
    """A lambda made by a held-back statement looks its names up in the notebook, when it is called."""
    module = project.load(
        'suffix = dbutils.widgets.get("suffix")',
        "rules = dict(add=lambda text: text + suffix, read=lambda: dbutils.widgets.get('suffix'))",
        "def f():\n    return rules['add']('x') + rules['read']()",
    )

    with project.test({"suffix": "1"}):
        first = module.f()
    with project.test({"suffix": "2"}):
        second = module.f()

    assert (first, second) == ("x11", "x22")


def test_function_in_a_computed_value_sees_what_the_test_set(project, monkeypatch):
    """A value given by hand reaches it as any function of the notebook."""
    module = project.load("limit = 1", "rules = dict(check=lambda x: x > limit)", "def f(x):\n    return rules['check'](x)")

    with project.test():
        before = module.f(5)
        monkeypatch.setattr(module, "limit", 10)
        after = module.f(5)

    assert (before, after) == (True, False)


def test_value_derived_from_one_given_by_hand_is_forgotten(project):
    """A patched constant shows in what is computed from it, in that test only."""
    module = project.load("n = 2", "dashes = len('x' * n)", "def f():\n    return dashes")

    with project.test(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "n", 5)
        patched = module.f()
    with project.test():
        after = module.f()

    assert (patched, after) == (5, 2)


def test_patched_name_without_a_value_computes_again_in_the_next_test(project):
    """Undoing a patch leaves no placeholder behind that an earlier moment made."""
    module = project.load('path = dbutils.widgets.get("path")', "def f():\n    return path")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "path", "by hand")

    with project.test({"path": "p"}):
        found = module.path

    assert found is not None
    assert (found, module.__dict__["f"].__name__) == ("p", "f")


def test_global_written_by_a_function_is_undone_at_the_tests_end(project):
    """State that one test's calls set doesn't show in the next test."""
    module = project.load(
        "count = 0",
        "def step():\n    global count\n    count += 1\n    return count",
        "def start():\n    global made\n    made = 1",
    )

    with project.test():
        first = [module.step(), module.step()]
        module.start()
        there = hasattr(module, "made")
    with project.test():
        second = module.step()
        still_there = hasattr(module, "made")

    assert (first, second, there, still_there) == ([1, 2], 1, True, False)


def test_global_set_before_the_test_is_what_the_test_goes_back_to(project):
    """What was set outside tests, in a test file's body say, stays."""
    module = project.load("mode = 'off'", "def switch(to):\n    global mode\n    mode = to")
    module.switch("on")

    with project.test():
        module.switch("test")

    assert module.mode == "on"


def test_value_read_after_a_global_was_rebound_is_the_notebooks(project):
    """A value computed late is still computed from what the notebook had."""
    module = project.load("c = 3", "def g():\n    global c\n    c = 4\n    return a", 'a = c + int(dbutils.widgets.get("w"))')

    with project.test({"w": "4"}):
        found = module.g()

    assert found == 7


def test_value_is_computed_once_a_test(project):
    """A second use gives the same object."""
    module = project.load('options = dict(a=dbutils.widgets.get("a"))', "def f():\n    return options")

    with project.test({"a": "1"}) as scope:
        first, second = module.f(), module.f()

    assert first is second
    assert scope.get("dbutils").widgets.read == ["a"]


def test_threads_of_a_function_share_one_value(project):
    """A function that uses threads computes a name once."""
    module = project.load(
        'options = dict(a=dbutils.widgets.get("a"))',
        """
        def f():
            found = []
            workers = [threading.Thread(target=lambda: found.append(options)) for _ in range(8)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
            return found
        """,
        values={"threading": threading},
    )

    with project.test({"a": "1"}):
        found = module.f()

    assert len({id(one) for one in found}) == 1


# -- as they are where their statement stands --


def test_widget_wins_over_an_earlier_constant(project):
    """Functions see the last binding."""
    module = project.load('env = "dev"', 'env = dbutils.widgets.get("env")', "def f():\n    return env")

    with project.test({"env": "prd"}):
        found = module.f()

    assert found == "prd"


def test_default_is_the_value_before_a_later_rebinding(project):
    """A default is evaluated where the function stands, for a constant as for a widget's value."""
    module = project.load(
        'env = "dev"',
        "def early(e=env):\n    return e",
        'env = dbutils.widgets.get("env")',
        "def late(e=env):\n    return e",
        'env = "end"',
    )

    with project.test({"env": "prd"}):
        found = (module.early(), module.late(), module.env)

    assert found == ("dev", "prd", "end")


def test_function_called_by_a_held_back_statement_sees_names_of_that_moment(project):
    """A later rebinding doesn't reach back."""
    module = project.load("rate = 1", "def tax():\n    return rate", "early = tax()", "rate = 2")

    with project.test():
        found = (module.early, module.tax())

    assert found == (1, 2)


def test_function_redefined_later_is_the_first_one_for_earlier_statements(project):
    """Redefinitions count from where they stand."""
    module = project.load("def f():\n    return 1", "early = [f()]", "def f():\n    return 2")

    with project.test():
        found = (module.early, module.f())

    assert found == ([1], 2)


def test_redefined_function_is_judged_by_the_one_that_is_called(project):
    """A harmless later namesake makes no unsafe call safe."""
    module = project.load(
        "log = []",
        "def f():\n    open('never', 'w')\n    return 1",
        "early = [f()]",
        "def f():\n    return 2",
        "def g():\n    return early",
    )

    with project.test(), pytest.raises(PlaceholderError, match=r"calls open\(\)"):
        module.g()

    assert not (project.folder / "never").exists()


def test_value_computed_before_an_in_place_change_stays_as_it_was(project):
    """Whoever read a list before it grew has the old length, in whatever order a test asks."""
    module = project.load("rows = [1]", "n = len(rows)", "rows.append(2)", "def f():\n    return (rows, n)")

    with project.test():
        found = module.f()

    assert found == ([1, 2], 1)


def test_two_names_of_one_list_both_show_a_change(project):
    """An alias of a constant is changed with it."""
    module = project.load(
        "rows = []",
        "same = rows",
        "held = {'rows': rows}",
        'rows.append(dbutils.widgets.get("w"))',
        "def f():\n    return (same, held)",
    )

    with project.test({"w": "x"}):
        found = module.f()

    assert found == (["x"], {"rows": ["x"]})


@pytest.mark.parametrize("again", ["rows = rows", "rows = rows or []", "rows = [1] and rows"])
def test_what_was_made_of_a_list_before_it_changed_shows_no_change(project, again):
    """Also where the list's own name was bound to it once more in between."""
    module = project.load(
        "rows = [0]",
        "copied = [row for row in rows]",
        again,
        'rows[0] = dbutils.widgets.get("w")',
        "def f():\n    return (rows, copied)",
    )

    with project.test({"w": "x"}):
        first = module.f()
    with project.test({"w": "y"}):
        second = module.f()

    assert (first, second) == ((["x"], [0]), (["y"], [0]))


def test_default_and_class_attribute_show_a_later_change_of_their_list(project):
    """They hold the list itself, also when a test imported them before."""
    module = project.load(
        "rows = []",
        "def f(x=rows):\n    return x",
        "class Holder:\n    rows = rows\n    def get(self):\n        return self.rows",
        'rows.append(dbutils.widgets.get("w"))',
    )
    f, holder = module.f, module.Holder

    with project.test({"w": "x"}):
        first = (f(), holder().get(), holder.rows)
    with project.test({"w": "y"}):
        second = (f(), holder().get(), holder.rows)

    assert (first, second) == ((["x"],) * 3, (["y"],) * 3)


def test_class_attribute_set_by_a_held_back_statement_is_there(project):
    """``Config.catalog = …`` changes the class that tests imported."""
    module = project.load(
        "class Config:\n    catalog = None", 'Config.catalog = dbutils.widgets.get("c")', "def f():\n    return Config.catalog"
    )
    imported = module.Config

    with project.test({"c": "main"}):
        found = (imported.catalog, module.f(), isinstance(module.Config(), imported))

    assert found == ("main", "main", True)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("rows = []", "def add(x):\n    rows.append(x)", "add(1)"), [1]),
        (("rows = []", "def add(to, x):\n    to.append(x)", "add(rows, x=1)"), [1]),
        (("rows = []", "def add(to):\n    inner(to)", "def inner(to):\n    to.append(1)", "add(rows)"), [1]),
        (("rows = []", "def add(x):\n    found = rows\n    found.append(x)", "add(1)"), [1]),
        (("rows = []", "class Sink:\n    def put(self, x):\n        rows.append(x)", "Sink().put(1)"), [1]),
        (("rows = [3, 1]", "first = rows.pop()"), [3]),
        (("import heapq", "rows = [3, 1]", "heapq.heapify(rows)"), [1, 3]),
        (("rows = []", "_ = [rows.append(i) for i in range(2)]"), [0, 1]),
        (("rows = []", "table = {'r': rows}", "table['r'].append(1)"), [1]),
        (("rows = []", "table = {}", "table['r'] = rows", "table['r'].append(1)"), [1]),
        (("rows = [[]]", "first = rows[0]", "first.append(1)"), [[1]]),
        (("rows = [[]]", "for part in rows:\n    part.append(1)"), [[1]]),
        (("rows = []", "table = {}", "table.setdefault('r', rows)", "table.get('r').append(1)"), [1]),
        (("rows = [1]", "rows *= 2"), [1, 1]),
        (("rows = [1, 2]", "del rows[0]"), [2]),
    ],
)
def test_in_place_change_is_seen(project, cells, expected):
    """Whatever way a held-back statement changes a constant, the test sees it changed, or is told that it has no value."""
    module = project.load(*cells, "def f():\n    return rows")

    with project.test():
        found = outcome(module.f)

    assert found in (expected, PlaceholderError.code)


def test_global_set_by_a_called_function_is_no_quiet_constant(project):
    """``setup()`` binds the name anew: the constant before it is not its value."""
    module = project.load(
        "mode = None", "def setup():\n    global mode\n    mode = 'on'", "setup()", "def f():\n    return mode"
    )

    with project.test(), pytest.raises(PlaceholderError, match="'mode' has no value"):
        module.f()


def test_change_of_a_part_leaves_what_was_taken_out_before(project):
    """One unsafe entry doesn't cost the values read from the same dictionary."""
    module = project.load(
        'config = {"table": "t"}',
        'table_name = config["table"]',
        'config["model"] = train()',
        "def f():\n    return table_name",
    )

    with project.test():
        found = module.f()

    assert found == "t"


def test_variable_may_be_called_table(project):
    """Databricks' own names are the notebook's once it binds them."""
    module = project.load("table = {}", "table.update(a=1)", "def f():\n    return table")

    with project.test():
        found = module.f()

    assert found == {"a": 1}


def test_statement_that_failed_midway_leaves_no_half_change(project):
    """A list that an attempt changed before it failed is made anew for the next."""
    module = project.load("rows = []", 'for i in range(2):\n    rows.append(i)\n    n = int(dbutils.widgets.get("w"))', "m = n")

    with project.test({"w": "4"}):
        found = (module.rows, module.m)

    assert found == ([0, 1], 4)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("match 3:\n    case x:\n        pass", 3),
        ("match [1, 2]:\n    case [_, *x]:\n        pass", [2]),
        ("match {'a': 1}:\n    case {**x}:\n        pass", {"a": 1}),
        ("(x := len('ab'))", 2),
        ("x: int = len('ab')", 2),
        ("for x in range(3):\n    pass", 2),
        ("x, *rest = 'ab'", "a"),
        ("[x, y] = len('a'), 2", 1),
        ("globals()['x'] = len('ab')", 2),
        ("try:\n    x = len('ab')\nexcept* ValueError:\n    x = 0", 2),
    ],
)
def test_binding_is_seen_in_every_form(project, cell, expected):
    """A constant of the same name from before is not its value any more."""
    module = project.load("x = 'stale'", cell, "def f():\n    return x")

    with project.test():
        found = outcome(module.f)

    assert found in (expected, PlaceholderError.code)


def test_deleted_name_has_no_value(project):
    """``del`` is no constant's end that goes unseen."""
    module = project.load("x = 1", "del x", "def f():\n    return x")

    with project.test(), pytest.raises(PlaceholderError):
        module.f()


def test_branch_not_taken_redefines_nothing(project):
    """A function under an ``if`` whose condition isn't known takes no earlier one's place."""
    module = project.load(
        "def f():\n    return 1",
        'if dbutils.widgets.get("w") == "x":\n    def f():\n        return 2',
        "def g():\n    return f()",
    )

    with project.test({"w": "y"}):
        not_taken = module.g()
    with project.test({"w": "x"}):
        taken = module.g()

    assert (not_taken, taken) == (1, 2)


def test_class_body_reads_a_computed_name(project):
    """Also where that is given only inside a test."""
    module = project.load(
        "n = len('abc')",
        "class Model:\n    size = n",
        'w = dbutils.widgets.get("w")',
        "class Other:\n    width = w",
        "def f():\n    return (Model.size, Other.width)",
    )

    with project.test({"w": "4"}):
        found = module.f()

    assert found == (3, "4")


def test_class_in_a_held_back_branch_reads_a_computed_name(project):
    """Its body runs in the statement's own names."""
    module = project.load(
        'w = dbutils.widgets.get("w")',
        'if w == "4":\n    class Model:\n        size = w\nelse:\n    class Model:\n        size = None',
        "def f():\n    return Model.size",
    )

    with project.test({"w": "4"}):
        found = module.f()

    assert found == "4"


# -- told, where there is none --


def test_of_sparks_error_the_message_is_shown(project):
    """Without what follows: six lines for one fact."""

    def table(_name):
        raise LookupError("[TABLE_OR_VIEW_NOT_FOUND] no `a`.\nSearch path: [`main`].\nIf you did not qualify …") from None

    module = project.load('model = spark.table("a")', "def f():\n    return model")

    with project.test(spark=SimpleNamespace(table=table)), pytest.raises(PlaceholderError) as caught:
        module.f()

    assert caught.value.cause == "LookupError: [TABLE_OR_VIEW_NOT_FOUND] no `a`."


def test_the_rows_of_an_sql_cell_are_told_as_such(project):
    """Nothing binds their name, and yet it isn't a mistake of the notebook's."""
    module = project.load("# MAGIC %sql\n# MAGIC SELECT 1 AS n", "def f():\n    return _sqldf.first().n")

    with project.test(), pytest.raises(UnresolvedNameError) as caught:
        module.f()

    assert str(caught.value) == (
        "notebook.py:8 (cell 2, line 2): NBH107 the name '_sqldf' has no value in a unit test\n"
        "  cause: it is what the SQL cell before it gives, which only a run of the whole notebook runs\n"
        "  mend:  give it a frame: cell(…).execute(_sqldf=frame), or values={'_sqldf': frame}\n"
        "  more:  docs/errors.md#nbh107"
    )


def test_placeholder_says_which_cell_computes_it_and_how_to_give_it(project):
    """The whole text, as a user reads it."""
    module = project.load("x = 1", "model = train(x)", "def f():\n    return model")

    with project.test(), pytest.raises(PlaceholderError) as caught:
        module.f()

    assert str(caught.value) == (
        "notebook.py:6 (cell 2, line 1): NBH106 'model' has no value in a unit test: a held-back statement computes it\n"
        "  cause: the statement calls train(), so it runs only with the whole notebook\n"
        "  mend:  give the value: values={'model': …} to load_notebook or the notebook fixture, "
        "or monkeypatch.setattr(module, 'model', …)\n"
        "  more:  docs/errors.md#nbh106"
    )


def test_name_nobody_binds_is_a_name_error_with_the_near_miss(project):
    """It is a ``NameError`` still, for code that expects one."""
    module = project.load("threshold = 1", "def f():\n    return threshold_")

    with project.test(), pytest.raises(UnresolvedNameError, match="did you mean 'threshold'") as caught:
        module.f()

    assert isinstance(caught.value, NameError)
    assert str(caught.value.location) == "notebook.py:7 (cell 2, line 2)"


def test_name_nobody_binds_may_come_from_what_could_not_be_read(project):
    """A broken cell, a missing ``%run`` target and a failed star import are named as possible causes."""
    module = project.load(
        "from nowhere_at_all import *",
        "%run ./missing".replace("%", "# MAGIC %"),
        "def broken(:",
        "def f():\n    return helper",
    )

    with project.test(), pytest.raises(UnresolvedNameError) as caught:
        module.f()

    assert "nowhere_at_all" in caught.value.cause
    assert "'./missing'" in caught.value.cause
    assert "not valid Python" in caught.value.cause


def test_fixture_outside_a_test_is_refused(project):
    """Notebook code that runs at collection is told why there is no dbutils yet."""
    module = project.load("def f():\n    return dbutils.widgets.get('a')")

    with pytest.raises(OutsideTestError, match="no test runs"):
        module.f()


def test_failing_statement_is_told_with_its_own_error(project):
    """The cause is what Python said, the place the statement's."""
    module = project.load('n = int(dbutils.widgets.get("n"))', "def f():\n    return n")

    with project.test({"n": "many"}), pytest.raises(PlaceholderError, match="invalid literal for int") as caught:
        module.f()

    assert str(caught.value.location) == "notebook.py:2 (cell 1, line 1)"
    assert isinstance(caught.value.__cause__, ValueError)


# -- given by the test --


def test_given_value_stands_for_an_unsafe_one(project):
    """``values=`` makes a placeholder's name usable, and what is computed from it."""
    module = project.load("model = train()", "name = str(model)", "def f():\n    return (model, name)", values={"model": 7})

    with project.test():
        found = module.f()

    assert found == (7, "7")


def test_given_value_wins_over_every_binding(project):
    """Wherever the notebook binds it, also between."""
    module = project.load(
        "env = 'a'",
        "early = str(env)",
        'env = dbutils.widgets.get("e")',
        "def f():\n    return (early, env)",
        values={"env": "x"},
    )

    with project.test():
        found = module.f()

    assert found == ("x", "x")


def test_given_widgets_win_over_the_tests(project):
    """``widgets=`` are this notebook's own; all others are the test's."""
    module = project.load("def f():\n    return [dbutils.widgets.get(n) for n in 'ab']", widgets={"a": "mine"})

    with project.test({"a": "test's", "b": "test's"}):
        found = module.f()

    assert found == ["mine", "test's"]


def test_set_attribute_feeds_what_is_computed_from_it(project, monkeypatch):
    """The way that the error names: a placeholder replaced on the module."""
    module = project.load("model = train()", "name = str(model)", "def f():\n    return name")

    with project.test():
        monkeypatch.setattr(module, "model", 7)
        found = module.f()

    assert found == "7"


def test_list_that_a_class_keeps_is_each_tests_own(project):
    """What a class body reads besides is no reason to keep a value that a widget went into."""
    module = project.load(
        'c = int(dbutils.widgets.get("w"))\nc = c\nitems = [0, c]',
        "class Model:\n    size = c\n    held = items\n\n\ndef f():\n    return [Model.size, Model.held]",
    )

    with project.test(widgets={"w": "4"}):
        first = module.f()
    with project.test(widgets={"w": "7"}):
        second = module.f()

    assert (first, second) == ([4, [0, 4]], [7, [0, 7]])


def test_value_imported_before_any_test_says_so(project):
    """``from … import`` takes it once and for all: the error names the way out."""
    module = project.load('path = dbutils.widgets.get("path")')

    taken = module.path

    with (
        project.test({"path": "x"}),
        pytest.raises(OutsideTestError, match="was taken from the notebook before any test ran") as caught,
    ):
        taken.upper()
    assert "read module.path inside the test" in caught.value.mend
    assert (caught.value.location.cell, caught.value.location.line) == (1, 2)


def test_function_that_needs_itself_is_told(project):
    """Not as an endless recursion: here a fake that the test gave calls the function that is being worked out."""
    taken = []
    table = SimpleNamespace(get=lambda: taken[-1]())  # noqa: PLW0108 - the function comes later
    module = project.load("def f():\n    return 1", "f.tag = table.get()", values={"table": table})
    taken.append(module.f)

    with project.test(), pytest.raises(PlaceholderError, match="'f' needs itself to be computed"):
        module.f()


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("'a' in globals()", True),
        ("'nowhere' in globals()", False),
        ("3 in globals()", False),
        ("'__name__' in globals()", True),
    ],
)
def test_statement_may_ask_which_names_there_are(project, question, expected):
    """Those the notebook has at that place, also if nothing has asked for them yet; a function made there asks later."""
    module = project.load(
        "a = len('x')", f"asked = [{question}]", f"later = dict(f=lambda: {question})", "def f():\n    return 1"
    )

    with project.test():
        found = (module.asked, module.later["f"]())

    assert found == ([expected], expected)


def test_second_thread_takes_what_the_first_has_computed(project):
    """It waits for it and computes nothing."""
    started, computed = threading.Event(), []

    def slow(name):
        started.set()
        waiting.wait(5)
        computed.append(name)
        return "x"

    waiting = threading.Event()
    module = project.load('w = dbutils.widgets.get("w")', "def f():\n    return w")
    with project.test({"w": "x"}) as scope:
        scope.get("dbutils").widgets.get = slow
        found = []
        first = threading.Thread(target=lambda: found.append(module.f()))
        first.start()
        started.wait(5)
        second = threading.Thread(target=lambda: found.append(module.f()))
        second.start()
        second.join(0.05)  # by then it waits for the first
        waiting.set()
        first.join()
        second.join()

    assert found == ["x", "x"]
    assert computed == ["w"]


@pytest.fixture
def pyspark(monkeypatch):
    """A pyspark of a few names, with a session or without."""
    functions = ModuleType("pyspark.sql.functions")
    functions.udf = lambda f: f
    modules = {"pyspark": ModuleType("pyspark"), "pyspark.sql": ModuleType("pyspark.sql"), "pyspark.sql.functions": functions}
    for name, module in modules.items():
        module.__spec__ = ModuleSpec(name, None)
        monkeypatch.setitem(sys.modules, name, module)
    return functions


@pytest.mark.usefixtures("pyspark")
def test_udf_is_pysparks_and_needs_no_test(project):
    """A notebook's function that it decorates is there when the notebook is loaded."""
    module = project.load("@udf\ndef double(x):\n    return 2 * x")

    assert module.double(4) == 8


@pytest.mark.usefixtures("pyspark")
def test_what_failed_without_a_session_is_tried_with_one(project):
    """A type given as text, say, is understood only once there is a session."""
    asked = []
    module = project.load(
        "from tools import typed", '@typed("int")\ndef double(x):\n    return 2 * x', values={"typed": typed_by(asked)}
    )

    def spark_of(scope):
        asked.append("session")
        return scope

    with project.test() as scope:
        scope.get = lambda name: spark_of(scope) if name == "spark" else scope.given[name]
        found = module.double(4)

    assert found == 8
    assert asked[0] == "refused"
    assert asked[-2:] == ["session", "accepted"]


def typed_by(asked):
    """A decorator that works only when a session was asked for."""

    def typed(kind):
        asked.append("accepted" if "session" in asked else "refused")
        if "session" not in asked:
            raise RuntimeError("no session")
        return lambda f: f

    return typed


# -- what a module skips --


def test_main_guard_changes_nothing_in_a_module(project):
    """What a program does under `if __name__ == "__main__"`, Python leaves out of a module."""
    module = project.load(
        "rows = []",
        "import requests",
        "def main():\n    global rows\n    rows = requests.get('x').json()",
        'if __name__ == "__main__":\n    main()\n    found = len(rows)',
        "def f():\n    return rows\ndef g():\n    return found",
    )

    with project.test():
        assert module.f() == []
        with pytest.raises(PlaceholderError) as caught:
            module.g()

    assert caught.value.cause.startswith('the statement is under `if __name__ == "__main__"`')


def test_other_branch_of_a_main_guard_is_judged(project):
    """With an `else` it is a statement like any other."""
    module = project.load('if __name__ == "__main__":\n    a = 1\nelse:\n    a = len("bb")', "def f():\n    return a")

    with project.test():
        assert module.f() == 2


# -- objects of the notebook's own classes --


BOX = """
class Box:
    def __init__(self):
        self.items = {}
    def put(self, **items):
        self.items.update(items)
    def resolve(self, name):
        return self.items[name]
"""


def test_object_that_a_held_back_method_call_fills_is_full(project):
    """Each test has one that was filled once."""
    module = project.load(BOX, "box = Box()", "box.put(a=1)", "box.put(b=2)", "def f():\n    return dict(box.items)")
    found = []

    for _ in "ab":
        with project.test():
            found.append(module.f())
            module.box.put(c=3)

    assert found == [{"a": 1, "b": 2}] * 2


def test_what_a_method_gives_is_computed(project):
    """`table = settings.resolve("table")` is a value like any other."""
    module = project.load(BOX, "box = Box()", "box.put(a=1)", "a = box.resolve('a')", "box.put(a=2)", "def f():\n    return a")

    with project.test():
        assert module.f() == 1


def test_object_of_a_class_that_calls_super_takes_nothing_from_other_classes(project):
    """`super` is no name of the notebook's: making one object changes no other class's base."""
    base = "class Base:\n    def __init__(self):\n        self.a = [1]"
    own = "class Own(Base):\n    def __init__(self):\n        super().__init__()"
    module = project.load(base, own, "import requests", "own = requests.get(Own())", "def f():\n    return Own().a")

    assert module.f() == [1]


# -- what only acts, in a block --


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("if len('a'):\n    n = [1]\n    requests.post('u', n)\n    n = n + [2]", [1, 2]),
        ("n = []\nfor i in range(2):\n    n.append(i)\n    requests.post('u', i)", [0, 1]),
        ("if len('a'):\n    n = [1]\n    if n:\n        requests.post('u')\n    else:\n        n = []", [1]),
        ("if len('a'):\n    send()\n    n = [1]", [1]),
        ("if len('a'):\n    spark.sql('create table t')\n    n = [1]", [1]),
    ],
)
def test_call_in_a_block_that_only_acts_is_left_out(project, statement, expected):
    """As it is outside of blocks: no value depends on it."""
    module = project.load("import requests", "def send():\n    requests.post('u')", statement, "def f():\n    return n")

    with project.test(spark=None):
        assert module.f() == expected


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("if len('a'):\n    n = [1]\n    fill(n)", "calls fill(), which calls requests.post()"),
        ("if len('a'):\n    n = [1]\n    n.extend(requests.get('u'))", "calls requests.get()"),
        ("if len('a'):\n    n = [1]\n    requests.get(n := [2])", "calls requests.get()"),
        ("if len('a'):\n    n = [1]\n    swap()", "calls swap(), which changes the global n"),
        ("if len('a'):\n    n = [1]\n    exec('n = [2]')", "calls exec()"),
        ("if len('a'):\n    spark.conf.set('a', 1)\n    n = [spark.conf.get('a')]", "calls spark.conf.set()"),
        ("n = [1]\ntry:\n    requests.get('u')\nexcept OSError:\n    n = n + list('a')", "calls requests.get()"),
        ("n = [1]\nfor i in range(2):\n    send()\n    n = send()", "calls send(), which calls requests.post()"),
    ],
)
def test_call_in_a_block_that_a_value_may_depend_on_is_not_left_out(project, statement, reason):
    """It changes something, or decides on the way from there."""
    module = project.load(
        "import requests",
        "def send():\n    return requests.post('u')",
        "def fill(into):\n    into.append(requests.post('u'))",
        "def swap():\n    global n\n    n = [3]",
        statement,
        "def f():\n    return n",
    )

    with project.test(spark=None), pytest.raises(PlaceholderError) as caught:
        module.f()

    assert reason in caught.value.cause


@pytest.mark.parametrize(
    "statements",
    [
        ["import os", 'stage = os.environ.get("NBH_STAGE", "dev")'],
        ["import os", 'stage = os.getenv("NBH_STAGE", "dev")'],
        ["import os", 'stage = "prd" if "NBH_STAGE" in os.environ else str("dev")'],
        ["from os import environ", 'stage = environ.get("NBH_STAGE", "dev")'],
        ["import os", 'def read():\n    return os.environ.get("NBH_STAGE", "dev")', "stage = read()"],
        ["import os", 'first = os.environ.get("NBH_STAGE", "dev")', "stage = first.lower()"],
    ],
)
def test_what_a_test_sets_in_the_environment_is_forgotten_with_it(project, monkeypatch, statements):
    """A value that was worked out from a variable of one test isn't the next one's."""
    module = project.load(*statements, "def f():\n    return stage")

    with project.test(), monkeypatch.context() as own:
        own.setenv("NBH_STAGE", "prd")
        first = module.f()
    with project.test():
        second = module.f()

    assert (first, second) == ("prd", "dev")


def test_a_clock_that_a_test_sets_is_forgotten_with_it(project, monkeypatch):
    """A day that was worked out under one test's clock isn't the next one's."""
    module = project.load("import datetime as dt", "today = dt.date.today()", "def f():\n    return today")

    class Fixed(dt.date):
        @classmethod
        def today(cls):
            return cls(1999, 1, 1)

    with project.test(), monkeypatch.context() as own:
        own.setattr("datetime.date", Fixed)
        first = module.f()
    with project.test():
        second = module.f()

    assert first.year == 1999
    assert second.year > 1999
