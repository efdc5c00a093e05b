"""Loading a notebook: what is kept, what is held back, and what its names give."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from types import SimpleNamespace

import pytest

from harness.errors import NotebookReadError, OutsideTestError, PlaceholderError, UnresolvedNameError


def dbutils(**widgets):
    """A ``dbutils`` with widgets of these values, and those that are defined on it."""
    return SimpleNamespace(widgets=SimpleNamespace(text=widgets.setdefault, get=widgets.__getitem__))


def test_top_level_is_not_run(write, loader, tmp_path, capfd, monkeypatch):
    """No file, process, socket or print: whatever the notebook does beside defining stays undone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # Python's cache folder would be an effect of ours
    seen = []
    armed = [False]
    effects = {"os.mkdir", "os.remove", "os.system", "subprocess.Popen", "socket.connect", "os.rename"}
    sys.addaudithook(lambda event, _: seen.append(event) if armed[0] and event in effects else None)

    path = write(
        "notebook.py",
        """
        import os, socket, subprocess
        open("made.txt", "w").write("x")
        os.mkdir("folder")
        os.system("touch touched")
        subprocess.run(["touch", "ran"])
        socket.create_connection(("127.0.0.1", 9))
        print("printed")
        for name in ("a", "b"):
            open(name, "w")
        if os.getcwd():
            open("branch", "w")
        def shout(f=open("default", "w")): return f
        class Loud:
            print("class body")
        @(lambda f: print("decorated") or f)
        def decorated(): return 1
        def double(x): return 2 * x
        """,
    )
    armed[0] = True
    notebook = loader.load(str(path))
    armed[0] = False

    assert notebook.double(4) == 8
    assert [path.name for path in tmp_path.iterdir()] == ["notebook.py"]
    assert seen == []
    assert capfd.readouterr().out == ""


def test_defaults_name_constants_and_asides(load):
    """A default is the constant of where the function stands, whatever the cell does beside."""
    notebook = load("open_me = 1\nrate = 3\nprint(rate)\ndef scale(x, factor=rate): return x * factor\nrate = 5\n")

    assert notebook.scale(2) == 6


def test_placeholder_says_who_computes_it_and_how_to_give_it(load):
    """The whole text of the error that a user meets first."""
    notebook = load("import pickle\nmodel = pickle.load(open('m.pkl', 'rb'))\ndef predict(x): return model[x]\n")

    with pytest.raises(PlaceholderError) as caught:
        notebook.predict(1)

    assert str(caught.value) == (
        "notebook.py:3 (cell 1, line 2): NBH106 'model' has no value in a unit test: a held-back statement computes it\n"
        "  cause: the statement calls pickle.load(), so it runs only with the whole notebook\n"
        "  mend:  give the value: values={'model': …} to load_notebook or the notebook fixture, "
        "or monkeypatch.setattr(module, 'model', …)\n"
        "  more:  docs/errors.md#nbh106"
    )


@pytest.mark.parametrize(
    "use", [bool, str, len, list, hash, lambda v: v == 1, lambda v: v + 1, lambda v: 1 in v, lambda v: v.x]
)
def test_placeholder_answers_no_question(load, use):
    """Not even ``==`` or truth, which every other object answers quietly."""
    model = load("model = load_it()\n").model

    with pytest.raises(PlaceholderError, match="'model'"):
        use(model)


def test_values_given_by_hand_win(load):
    """Also where a default or another value needs them."""
    notebook = load("base = fetch()\nurl = base + '/v1'\ndef get(root=base): return root, url\n", values={"base": "local"})

    assert notebook.get() == ("local", "local/v1")


def test_widgets_are_read_inside_a_test_and_forgotten(load, loader, in_test):
    """Each test has its own; outside a test there is none."""
    notebook = load('dbutils.widgets.text("env", "dev")\nenv = dbutils.widgets.get("env")\ndef where(): return env\n')

    in_test(dbutils=dbutils())
    first = notebook.where()
    loader.end()
    in_test(dbutils=dbutils(env="test"))
    second = notebook.where()
    loader.end()

    assert (first, second) == ("dev", "test")
    with pytest.raises(OutsideTestError, match="NBH109"):
        notebook.where()


def test_spark_is_the_tests_whatever_the_notebook_makes(load, in_test):
    """A session of the notebook's own is the test's too."""
    notebook = load(
        """
        from pyspark.sql import SparkSession
        session = SparkSession.builder.appName("x").getOrCreate()
        spark = SparkSession.builder.getOrCreate()
        def both(): return session, spark
        """
    )

    in_test(spark="the test's")

    assert notebook.both() == ("the test's", "the test's")


def test_missing_package_costs_only_its_names(load):
    """Functions load as what they are; one that is decorated by it says so when it is called."""
    notebook = load(
        """
        import json, no_such_package
        from no_such_package import Base, deco
        @deco
        def decorated(x): return x
        def plain(): return json.dumps(1)
        def annotated(x: no_such_package.Frame) -> Base: return x
        class Child(Base): pass
        """
    )

    assert notebook.plain() == "1"
    assert notebook.annotated(5) == 5
    assert inspect.isfunction(notebook.decorated)
    assert notebook.decorated.__wrapped__(3) == 3
    assert inspect.isclass(notebook.Child)
    with pytest.raises(PlaceholderError, match="No module named 'no_such_package'"):
        notebook.decorated(3)


def test_name_that_nothing_defines_is_told(load):
    """Never a bare NameError: with the place, and the nearest name."""
    notebook = load("total = 1\ndef f(): return totl\n")

    with pytest.raises(UnresolvedNameError, match=r"notebook.py:3 \(cell 1, line 2\): NBH107 .*\n.*\n.*did you mean 'total'"):
        notebook.f()


def test_broken_cell_costs_only_itself(load):
    """It is reported with file, line and cell; the others are used."""
    notebook = load("def a(): return 1\n\n# COMMAND ----------\n\nif True\n\n# COMMAND ----------\n\ndef b(): return 2\n")

    (problem,) = notebook.__units__.problems

    assert (notebook.a(), notebook.b()) == (1, 2)
    assert (problem.code, problem.location.line, problem.location.cell) == ("NBH102", 6, 2)


def test_run_targets_share_one_namespace(load, write):
    """Quoted, spaced, in a folder, nested, absolute by prefix, in another format: all as if written in place."""
    write("shared/base.py", "# MAGIC %run ./deep\nBASE = 10\ndef helper(x): return x + BASE + offset\n")
    write("shared/deep.py", "DEEP = 5\n")
    write("my setup.py", 'offset = int(dbutils.widgets.get("offset"))\n')
    write("sql part.sql", "-- Databricks notebook source\n-- MAGIC %python\n-- MAGIC def words(): return 'sql'\n", header=False)
    notebook = load(
        """
        # MAGIC %run "./my setup" $offset=100

        # COMMAND ----------

        # MAGIC %run /Shared/project/shared/base

        # COMMAND ----------

        # MAGIC %run "./sql part"

        # COMMAND ----------

        def f(): return helper(DEEP), words()
        """
    )
    notebook.__units__.loader.begin(SimpleNamespace(get={"dbutils": dbutils()}.__getitem__))

    assert notebook.f() == (115, "sql")


@pytest.mark.parametrize("target", ["/Shared/project/base", "/Workspace/Shared/project/base", "/Shared/other/../project/base"])
def test_an_absolute_path_is_one_however_it_is_written(load, write, target):
    """With ``/Workspace`` before it or without, as in a workspace."""
    write("base.py", "BASE = 10\n")

    assert load(f"# MAGIC %run {target}\n\n# COMMAND ----------\n\ndef f(): return BASE\n").f() == 10


def test_run_circle_and_missing_target_are_problems(load, write):
    """Told once each, and the notebook's own functions work."""
    write("other.py", "# MAGIC %run ./notebook\ndef other(): return 2\n")
    separator = "\n\n# COMMAND ----------\n\n"
    notebook = load(separator.join(["# MAGIC %run ./other", "# MAGIC %run ./gone", "def f(): return other()\n"]))

    assert notebook.f() == 2
    assert sorted(problem.code for problem in notebook.__units__.problems) == ["NBH104", "NBH105"]


def test_pipeline_decorators_give_back_the_function(load):
    """``dlt`` and ``pyspark.pipelines`` exist only inside a pipeline."""
    notebook = load(
        """
        import dlt
        from pyspark import pipelines as dp
        @dlt.table(name="x")
        @dlt.expect_or_drop("valid", "id > 0")
        def silver(): return "silver"
        @dp.materialized_view
        def gold(): return "gold"
        """
    )

    assert (notebook.silver(), notebook.gold()) == ("silver", "gold")


def test_later_future_import_and_dataclasses(load):
    """A ``from __future__`` in a later cell is as on Databricks; dataclasses find their module."""
    notebook = load(
        """
        import dataclasses

        # COMMAND ----------

        from __future__ import annotations

        @dataclasses.dataclass
        class Point:
            x: int = 1
            other: Point | None = None
        """
    )

    assert dataclasses.asdict(notebook.Point()) == {"x": 1, "other": None}


@pytest.mark.parametrize(
    "text",
    [
        "x = 10 ** 10 ** 10\n",
        "x = 'a' * 10 ** 12\n",
        "x = 1 << 10 ** 12\n",
        f"x = {'(' * 5000}1{')' * 5000}\n",
        f"x = {'-' * 90000}1\n",
    ],
    ids=["power", "repeat", "shift", "brackets", "signs"],
)
def test_hostile_constants_cost_nothing(load, text):
    """They are neither computed nor do they end the process; the rest of the notebook loads."""
    notebook = load(text + "\n# COMMAND ----------\n\ndef f(): return 1\n")

    assert notebook.f() == 1


@pytest.mark.parametrize("content", [b"", b"nbh2:", b"\x00" * 50], ids=["empty", "torn", "binary"])
def test_broken_cache_changes_nothing(load, loader, tmp_path, monkeypatch, content):
    """The notebook is read instead."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    load("def f(): return 1\n")
    (cache,) = (tmp_path / "__pycache__").glob("notebook.py.*")
    cache.write_bytes(content)
    loader._extracts.clear()

    assert loader.load(str(tmp_path / "notebook.py")).f() == 1


def test_cache_is_not_used_for_changed_content(load, loader, tmp_path, monkeypatch):
    """A new time or size means a new reading."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    load("def f(): return 1\n")

    assert load("def f(): return 22\n").f() == 22


def test_missing_file_is_told(loader, tmp_path):
    """As our own error, with the path."""
    with pytest.raises(NotebookReadError, match=r"gone\.py"):
        loader.load(str(tmp_path / "gone.py"))


def test_unloaded_module_is_gone(project):
    """From ``sys.modules``, unless another module has its name by now."""
    first = project.load("a = 1", name="one.py")
    second = project.load("a = 2", name="two.py")
    other = sys.modules[second.__name__] = SimpleNamespace()

    for module in (first, second, second):
        project.loader.unload(module)

    assert first.__name__ not in sys.modules
    assert sys.modules.pop(second.__name__) is other


class Pickler:
    """What a pickler keeps of the modules to be sent whole, as cloudpickle does."""

    def __init__(self):
        self.registered = set()

    def register_pickle_by_value(self, module):
        """Send the module's functions whole from now on."""
        self.registered.add(module.__name__)

    def unregister_pickle_by_value(self, module):
        """Send them by name again."""
        self.registered.remove(module.__name__)

    def list_registry_pickle_by_value(self):
        """Give the modules' names."""
        return set(self.registered)


def test_notebooks_are_sent_whole_while_they_are_loaded(project, monkeypatch):
    """A worker must never import a notebook; one that was let go, or that another took over, is nobody's."""
    pickler = Pickler()
    monkeypatch.setitem(sys.modules, "cloudpickle", pickler)
    first, second = project.load("a = 1", name="one.py"), project.load("a = 2", name="two.py")
    both = pickler.list_registry_pickle_by_value()
    project.loader.unload(first)
    pickler.registered.clear()
    project.loader.unload(second)
    left = pickler.list_registry_pickle_by_value()

    assert both == {first.__name__, second.__name__}
    assert left == set()


def test_module_whose_name_another_took_is_not_sent(project, monkeypatch):
    """The pickler finds modules by name, and would send the other."""
    monkeypatch.delitem(sys.modules, "cloudpickle", raising=False)
    monkeypatch.delitem(sys.modules, "pyspark.cloudpickle", raising=False)
    first, second = project.load("a = 1", name="one.py"), project.load("a = 2", name="two.py")
    monkeypatch.setitem(sys.modules, first.__name__, SimpleNamespace())
    pickler = Pickler()
    monkeypatch.setitem(sys.modules, "cloudpickle", pickler)

    with project.test():
        sent = pickler.list_registry_pickle_by_value()

    assert sent == {second.__name__}


def test_what_is_held_outlives_the_end_of_a_test(load, loader, in_test):
    """What a class's set-up computed, changed or bound is there for its next test, and gone when it is let go of."""
    text = """
        seen = list()
        seen.append("first")
        count = 0

        def more():
            global count
            count += 1
            return seen
        """
    module = load(text)
    in_test()
    module.more().append("set-up")
    loader.hold()
    loader.end()

    in_test()
    assert (module.more(), module.count) == (["first", "set-up"], 2)
    loader.end()

    in_test()
    assert (module.seen, module.count) == (["first", "set-up"], 1)
    loader.end()

    loader.release()
    in_test()
    assert (module.seen, module.count) == (["first"], 0)


def test_what_belongs_to_each_test_is_not_held(load, loader, in_test):
    """The next test has its own ``dbutils``, with the notebook's widgets."""
    module = load("dbutils.widgets.text('env', 'default')\ndef env(): return dbutils.widgets.get('env')")
    first, second = dbutils(), dbutils(env="own")
    in_test(dbutils=first)
    assert module.env() == "default"
    loader.hold()
    loader.end()

    in_test(dbutils=second)

    assert module.env() == "own"
