from __future__ import annotations

import copy

import pytest

from harness.errors import DbutilsArgumentError, DbutilsCallError, WidgetNotDefinedError, WidgetValueError
from harness.runtime.dbutils import Dbutils
from harness.runtime.files import Files as RealFiles
from harness.runtime.fs import Fs
from harness.runtime.notebook import NotebookExit
from harness.runtime.part import Part


@pytest.fixture
def dbutils():
    """A dbutils to which the test gives one value."""
    return Dbutils(widgets={"catalog": "test"})


def test_default_is_the_value_where_nothing_is_given(dbutils):
    """As in a notebook that is run by hand."""
    dbutils.widgets.text("schema", "silver", "The schema")

    assert dbutils.widgets.get("schema") == "silver"


def test_given_value_wins_over_the_default(dbutils):
    """As a job's parameter does."""
    dbutils.widgets.text("catalog", "dev")

    assert dbutils.widgets.get("catalog") == "test"


def test_given_value_needs_no_definition(dbutils):
    """A job's parameter can be read without a widget."""
    assert dbutils.widgets.get("catalog") == "test"


def test_defining_again_leaves_the_value(dbutils):
    """As on Databricks, where a cell is run again and again."""
    dbutils.widgets.text("schema", "silver")
    dbutils.widgets.text("schema", "gold")

    assert dbutils.widgets.get("schema") == "silver"


def test_arguments_can_be_named_as_on_databricks(dbutils):
    """Notebooks write them out."""
    dbutils.widgets.text(name="a", defaultValue="1", label="A")
    dbutils.widgets.dropdown(name="b", defaultValue="x", choices=["x", "y"], label="B")
    dbutils.widgets.combobox(name="c", defaultValue="other", choices=["x"], label="C")
    dbutils.widgets.multiselect(name="d", defaultValue="x", choices=["x", "y"], label="D")

    assert dbutils.widgets.getAll() == {"catalog": "test", "a": "1", "b": "x", "c": "other", "d": "x"}


@pytest.mark.parametrize("value", ["x", "x,y", "", "p,q"])
def test_multiselect_takes_some_choices(value):
    """Its value is one text; a choice may itself hold a comma."""
    dbutils = Dbutils(widgets={"d": value})

    dbutils.widgets.multiselect("d", "x", ["x", "y", "p,q"])

    assert dbutils.widgets.get("d") == value


def test_get_argument_has_a_way_out(dbutils):
    """Its second argument is for a widget that isn't there."""
    assert dbutils.widgets.getArgument("catalog", "none") == "test"
    assert dbutils.widgets.getArgument("absent", "none") == "none"
    with pytest.raises(WidgetNotDefinedError):
        dbutils.widgets.getArgument("absent")


def test_removed_widget_is_gone_until_defined_again(dbutils):
    """The test's value is then back, as a job's parameter would be."""
    dbutils.widgets.remove("catalog")
    with pytest.raises(WidgetNotDefinedError):
        dbutils.widgets.get("catalog")

    dbutils.widgets.text("catalog", "dev")

    assert dbutils.widgets.get("catalog") == "test"


def test_remove_all(dbutils):
    """None is left."""
    dbutils.widgets.removeAll()

    assert dbutils.widgets.getAll() == {}


@pytest.mark.parametrize("call", ["get", "remove"])
def test_missing_widget_says_so_in_databricks_words(dbutils, call):
    """The full text; notebooks look for Databricks' own name of the error in it."""
    with pytest.raises(WidgetNotDefinedError) as caught:
        getattr(dbutils.widgets, call)("catalgo")

    assert str(caught.value) == (
        'NBH351 no widget "catalgo" is defined\n'
        "  cause: com.databricks.dbutils_v1.InputWidgetNotDefined: No input widget named catalgo is defined\n"
        "         defined here: catalog\n"
        '  mend:  did you mean "catalog"? if not, '
        'give it in the test, by widgets={"catalgo": …} or @pytest.mark.nbh_widgets(catalgo=…),\n'
        "         or define it in the notebook\n"
        "  more:  docs/errors.md#nbh351"
    )


@pytest.mark.parametrize(
    "define",
    [
        lambda widgets: widgets.text("n", 5),
        lambda widgets: widgets.text("n", None),
        lambda widgets: widgets.text("n", "5", 5),
        lambda widgets: widgets.text(5, "5"),
        lambda widgets: widgets.dropdown("n", 5, ["5"]),
        lambda widgets: widgets.dropdown("n", "5", [5]),
        lambda widgets: widgets.combobox("n", "5", "567"),
        lambda widgets: widgets.multiselect("n", ["5"], ["5"]),
    ],
)
def test_only_texts_are_taken(dbutils, define):
    """Databricks refuses anything else, and defines nothing."""
    with pytest.raises(WidgetValueError):
        define(dbutils.widgets)

    assert dbutils.widgets.getAll() == {"catalog": "test"}


def test_given_number_is_refused():
    """The full text."""
    with pytest.raises(WidgetValueError) as caught:
        Dbutils(widgets={"n": 5})

    assert str(caught.value) == (
        'NBH352 the value given for the widget "n" is not a text\n'
        "  cause: it is 5, of type int; Databricks takes texts only\n"
        '  mend:  write "5"\n'
        "  more:  docs/errors.md#nbh352"
    )


@pytest.mark.parametrize("kind", ["dropdown", "multiselect"])
@pytest.mark.parametrize("default", ["prod", "dev"], ids=["value", "default"])
def test_value_outside_the_choices_is_refused(kind, default):
    """A misspelt default or value must not pass for a good one."""
    dbutils = Dbutils(widgets={"env": "dve"} if default == "prod" else {})

    with pytest.raises(WidgetValueError, match="no choice of the"):
        getattr(dbutils.widgets, kind)("env", default, ["prod", "development"] if default == "dev" else ["prod", "dev"])


def test_near_choice_is_offered():
    """The full text of a misspelt value."""
    with pytest.raises(WidgetValueError) as caught:
        Dbutils(widgets={"env": "prdo"}).widgets.dropdown("env", "dev", ["dev", "prod"])

    assert str(caught.value).splitlines()[:3] == [
        'NBH352 "prdo" is no choice of the dropdown "env"',
        "  cause: the value that it is given is none of: dev, prod",
        '  mend:  did you mean "prod"?',
    ]


def test_call_that_is_not_served(dbutils):
    """The full text names the whole call."""
    with pytest.raises(DbutilsCallError) as caught:
        dbutils.meta.define("x")

    assert str(caught.value) == (
        "NBH350 dbutils.meta.define is not served here\n"
        "  cause: what it does on Databricks can't be done on one machine\n"
        "  mend:  in a unit test give your own: dbutils.meta = … in the test, or a fixture named dbutils;\n"
        "         in a whole run leave the cell out: run_notebook(…, skip_cells=[…])\n"
        "  more:  docs/errors.md#nbh350"
    )


def test_the_names_that_there_are_stand_once_in_order(dbutils):
    """One looks for a name among them."""
    dbutils.fs = Part()

    with pytest.raises(DbutilsCallError) as caught:
        dbutils.widget.get("x")

    known = caught.value.cause.removeprefix("dbutils has: ").split(", ")
    assert known == sorted(set(known))
    assert {"fs", "widgets"} <= set(known)
    assert caught.value.mend == 'did you mean "widgets"?'


@pytest.mark.parametrize(
    ("use", "told"),
    [
        (lambda dbutils: dbutils.secrets.get("scope", "key"), "no test and no run stands behind this dbutils"),
        (lambda dbutils: dbutils.secrets.gte, 'did you mean "get"'),
        (lambda dbutils: dbutils.notebook.rnu, 'did you mean "run"'),
        (lambda dbutils: dbutils.jobs.taskValue, 'did you mean "taskValues"'),
        (lambda dbutils: dbutils.jobs.taskValues.gets, 'did you mean "get"'),
        (lambda dbutils: dbutils.notebook.entry_point.getDbutil, 'did you mean "getDbutils"'),
        (lambda dbutils: dbutils.entry_point.getDbutils().notebooks, 'did you mean "notebook"'),
        (lambda dbutils: dbutils.entry_point.getDriverConf(), "there is no workspace here"),
        (lambda dbutils: dbutils.meta.define("x"), "dbutils.meta.define is not served"),
        (lambda dbutils: dbutils.api(), "dbutils.api is not served"),
        (lambda dbutils: dbutils.preview.x, "dbutils.preview.x is not served"),
        (lambda dbutils: dbutils.library.install("a.whl"), "Databricks removed it with runtime 11"),
        (lambda dbutils: dbutils.library.restartPython(), "a unit runs in pytest's own Python"),
        (lambda dbutils: dbutils.credentials.getServiceCredentialsProvider("x"), "there is no cloud on this machine"),
        (lambda dbutils: dbutils.secrets.help("gte"), 'did you mean "get"'),
        (lambda dbutils: dbutils.widgts, 'did you mean "widgets"'),
        (lambda dbutils: dbutils.widgets.txt, 'did you mean "text"'),
        (lambda dbutils: dbutils.spaceship, "none of that name"),
        (lambda dbutils: hasattr(dbutils, "spaceship"), "none of that name"),
        (lambda dbutils: getattr(dbutils.meta, "define", None), "dbutils.meta.define is not served"),
    ],
)
def test_nothing_unknown_is_answered(dbutils, use, told):
    """Neither a mock nor a quiet None, not even to a careful question."""
    with pytest.raises(DbutilsCallError, match=told):
        use(dbutils)


def test_own_part_can_be_given(tmp_path, monkeypatch):
    """A test sets what it needs, and monkeypatch can take it back."""
    dbutils = Dbutils(fs=Fs(RealFiles(str(tmp_path))))

    class Files:
        def ls(self, path):
            return [path]

    with monkeypatch.context() as patch:
        patch.setattr(dbutils, "fs", Files())
        assert dbutils.fs.ls("/mnt") == ["/mnt"]

    assert dbutils.fs.ls("/mnt") == []


def test_python_protocols_find_no_surprise(dbutils):
    """What Python itself asks of every object is answered as for any object."""
    assert copy.copy(dbutils).widgets is dbutils.widgets
    assert repr(dbutils.meta) == "<dbutils.meta: not served here>"
    assert not hasattr(dbutils.widgets, "getdoc")  # which IPython looks for: dbutils.widgets?


@pytest.mark.parametrize(
    ("call", "lines"),
    [
        (
            lambda dbutils: dbutils.help(),
            ["dbutils.secrets: Secrets by scope and key", "not served here: api, fs, import_notebook, meta, preview"],
        ),
        (lambda dbutils: dbutils.help("secrets"), ["  get(scope, key)  Give a secret's text."]),
        (lambda dbutils: dbutils.secrets.help("list"), ["  list(scope)  Give the keys of a scope."]),
        (lambda dbutils: dbutils.jobs.help(), ["dbutils.jobs.taskValues: Values that one task of a job leaves for the next."]),
        (lambda dbutils: dbutils.credentials.help(), ["  not served here: assumeRole,"]),
    ],
)
def test_help_says_what_there_is(dbutils, capsys, call, lines):
    """And what isn't; names of ours are no part of it."""
    call(dbutils)

    told = capsys.readouterr().out
    assert all(line in told for line in lines)
    assert "take_back" not in told


def test_help_of_a_dbutils_that_has_files(tmp_path, capsys):
    """``fs`` is among what is served, and a name that there is not is an error with the near one."""
    dbutils = Dbutils(fs=Fs(RealFiles(str(tmp_path))))

    dbutils.help()
    told = capsys.readouterr().out
    dbutils.help("fs")

    assert capsys.readouterr().out in told
    assert "mkdirs(dir) -> " in told
    assert told.endswith("not served here: api, import_notebook, meta, preview\n")
    assert repr(dbutils.fs) == "<dbutils.fs>"
    assert not hasattr(dbutils.fs, "getdoc")
    with pytest.raises(DbutilsCallError) as caught:
        dbutils.help("widget")
    assert caught.value.mend == 'did you mean "widgets"?'


@pytest.mark.parametrize("part", ["", "secrets", "jobs", "library", "data", "credentials", "notebook"])
def test_no_name_is_ours(dbutils, part):
    """What Databricks' own doesn't have is refused, whatever our classes have inside."""
    of = getattr(dbutils, part) if part else dbutils
    own = {"credentials", "data", "entry_point", "jobs", "library", "notebook", "secrets", "widgets", "help", "taskValues"}
    own |= {"get", "getBytes", "list", "listScopes", "restartPython", "summarize", "exit", "run", "getContext"}

    assert {name for name in dir(of) if name[0] != "_"} <= own


def test_an_exit_says_so_to_the_test(dbutils):
    """No ``except Exception`` of the notebook's takes it for an error."""
    with pytest.raises(NotebookExit) as caught:
        dbutils.notebook.exit("done")

    assert caught.value.value == "done"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("./a", "60"), "no number of seconds"),
        (("./a", True), "no number of seconds"),
        (("./a", -1), "no number of seconds"),
        ((7, 60), "the path of a notebook is not a text"),
        (("./a", 60, ["x"]), "are no dictionary"),
    ],
)
def test_what_a_child_is_run_with(dbutils, arguments, error):
    """Anything else than Databricks takes is refused before a notebook is looked for."""
    with pytest.raises(DbutilsArgumentError, match=error):
        dbutils.notebook.run(*arguments)


@pytest.mark.parametrize("given", [{"n": 1}, {1: "n"}, {"n": None}])
def test_arguments_of_a_child_are_texts(dbutils, given):
    """As widgets are."""
    with pytest.raises(WidgetValueError, match=r"given to dbutils\.notebook\.run is not a text"):
        dbutils.notebook.run("./a", 60, given)


def test_refusals_are_heard_of(dbutils, monkeypatch):
    """Also those that the notebook catches."""
    heard = []
    monkeypatch.setattr(DbutilsCallError, "heard", heard.append)

    with pytest.raises(DbutilsCallError) as caught:
        dbutils.meta.define("x")

    assert heard == [caught.value]
