from __future__ import annotations

import io
import json
from importlib.metadata import EntryPoint

import pytest

from harness.commands import doctor
from harness.commands.doctor import examine, fixture_owners, show, write_json
from harness.spark.facts import Fact

INSTALLED = {"databricks-notebook-harness": "1.0", "pytest": "9.0.1", "coverage": "7.10", "pyspark": "4.2.0"}
SHOWN = "notebook -- .../fixtures/notebook.py:19\nspark [session scope] -- .../fixtures/spark.py:24\n    A real Spark session\n"


class Answer:
    """What ``pytest --fixtures`` said."""

    def __init__(self, stdout=SHOWN, stderr=""):
        self.stdout = stdout
        self.stderr = stderr


@pytest.fixture
def facts(monkeypatch, make_project):
    """Examine an imagined environment; gives its facts by name."""

    def make(installed=None, *, files=None, env=None, answer=None, registered=True):
        entries = [EntryPoint("harness.plugin", "harness.plugin", "pytest11")] if registered else []
        monkeypatch.setattr(doctor, "entry_points", lambda group: entries)
        monkeypatch.setattr(doctor, "engine_facts", lambda **_: [])
        monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: answer or Answer())
        found = examine(
            str(make_project(files or {})), env=env or {}, versions=(INSTALLED if installed is None else installed).get
        )
        assert all(bool(fact.mend) == (fact.ok is False) for fact in found)
        return {fact.name: fact for fact in found}

    return make


def wrong(found):
    """The names of what must be mended."""
    return [name for name, fact in found.items() if fact.ok is False]


def test_a_good_environment_has_nothing_to_mend(facts):
    """What is optional and not there is no fault."""
    found = facts()

    assert wrong(found) == []
    assert (found["pytest-xdist"].value, found["pytest-xdist"].ok) == ("not installed", None)


def test_too_old_a_pytest_is_told(facts):
    """The mend is a command."""
    assert facts({**INSTALLED, "pytest": "7.4.4"})["pytest"].mend == 'pip install "pytest>=8.3"'


def test_without_pytest_nothing_is_started(facts):
    """There is one thing to mend, not two."""
    assert wrong(facts({**INSTALLED, "pytest": None})) == ["pytest"]


def test_a_plugin_that_is_not_registered_is_told(facts):
    """Run from a checkout without an install, pytest doesn't know us."""
    assert "not registered" in facts(registered=False)["our pytest plugin"].value


@pytest.mark.parametrize(
    ("env", "files", "where"),
    [
        ({"PYTEST_ADDOPTS": "-p no:harness.plugin"}, {}, "PYTEST_ADDOPTS"),
        ({}, {"pyproject.toml": '[tool.pytest.ini_options]\naddopts = ["-p", "no:harness.plugin"]'}, "addopts"),
        ({"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, {}, "PYTEST_DISABLE_PLUGIN_AUTOLOAD"),
    ],
)
def test_what_blocks_the_plugin_is_named(facts, env, files, where):
    """Tests would fail with a fixture that isn't found, and no word of why."""
    fact = facts(env=env, files=files)["our pytest plugin"]

    assert (fact.value, fact.ok) == (f"blocked by {where}", False)
    assert where in fact.mend


@pytest.mark.parametrize(
    ("env", "files"),
    [
        ({"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "harness.plugin"}, {}),
        ({"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, {"pytest.ini": "[pytest]\naddopts = -p harness.plugin"}),
        ({"PYTEST_ADDOPTS": "-p no:harness.plugins -p no:other"}, {}),
    ],
)
def test_a_plugin_that_is_asked_for_by_name_loads(facts, env, files):
    """Without autoload, naming it is the way."""
    assert facts(env=env, files=files)["our pytest plugin"].ok


def test_a_plugin_that_breaks_pytest_is_named(facts):
    """A hook of importnb has an argument that pytest 9 no longer has: then nothing runs at all."""
    text = "Plugin 'importnb' for hook 'pytest_collect_file'\npluggy.PluginValidationError: Argument(s) {'path'} are declared"

    fact = facts(answer=Answer("", text))["pytest's start"]

    assert fact.value == "fails: \"pluggy.PluginValidationError: Argument(s) {'path'} are declared\""
    assert 'pip uninstall importnb, or run pytest with "-p no:importnb"' in fact.mend


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("Plugin 'other' for hook 'x'\nbad", '"-p no:other"'),
        ("what is this", "read its whole answer"),
        ("", "read its whole answer"),
    ],
)
def test_other_failures_of_the_start_are_told(facts, text, mend):
    """Whoever breaks pytest, the doctor doesn't say that all is well."""
    assert mend in facts(answer=Answer("", text))["pytest's start"].mend


def test_a_start_without_an_answer_is_told(facts, monkeypatch):
    """A hanging plugin is a fault too."""

    def hang(*_, **__):
        raise doctor.subprocess.TimeoutExpired("pytest", 60)

    facts()
    monkeypatch.setattr(doctor.subprocess, "run", hang)

    (fact,) = doctor._start(INSTALLED.get)
    assert (fact.value, fact.ok) == ("no answer", False)


@pytest.mark.parametrize(
    ("spark", "told"),
    [
        (".../fixtures/spark.py:24", "spark is ours, ws is its own"),
        (".../databricks/labs/pytester/fixtures/connect.py:9", "spark is its own, ws is its own"),
    ],
)
def test_beside_databricks_labs_pytester_the_winner_is_told(facts, spark, told):
    """Both have a fixture ``spark``; which one a test gets is asked of pytest itself."""
    shown = f"notebook -- x.py:1\nspark [session scope] -- {spark}\nws [session scope] -- .../databricks/labs/pytester/x.py:1\n"

    fact = facts({**INSTALLED, "databricks-labs-pytester": "0.7"}, answer=Answer(shown))["databricks-labs-pytester"]

    assert fact.value.startswith(f"0.7: {told};")


def test_owners_are_read_from_pytest_s_own_list():
    """The line has the scope only where it isn't the function's."""
    assert fixture_owners(SHOWN) == {"notebook": ".../fixtures/notebook.py", "spark": ".../fixtures/spark.py"}


@pytest.mark.parametrize(
    ("settings", "name", "mend"),
    [
        ("[tool.nbh]\nrots = []", "settings", "did you mean 'roots'? under [tool.nbh]"),
        ("[tool.nbh]\nroots = ['gone']", "roots", "correct roots under [tool.nbh], or make the folder"),
        (
            "[tool.nbh.run_prefixes]\n'/Shared' = 'gone'",
            "run_prefixes",
            "correct run_prefixes under [tool.nbh], or make the folder",
        ),
    ],
)
def test_wrong_settings_are_told(facts, settings, name, mend):
    """A wrong path in them is found before a test fails by it."""
    found = facts(files={"pyproject.toml": settings})

    assert wrong(found) == [name]
    assert found[name].mend == mend


@pytest.mark.parametrize(
    ("settings", "value"),
    [
        ("", "pyproject.toml: [tool.nbh] sets nothing, so the defaults hold"),
        ("[tool.nbh]\nspark_partitions = 4", "pyproject.toml: [tool.nbh]"),
    ],
)
def test_the_settings_that_hold_are_told(facts, settings, value):
    """In a mono repo it matters which file was found."""
    assert facts(files={"pyproject.toml": settings})["settings"].value == value


def test_lines_say_what_is_wrong_and_how_to_mend_it(capsys):
    """Each bad fact has its mend below it, and the last line counts them."""
    show(
        [
            Fact("pytest", "9.0", ok=True),
            Fact("Java", "too old", ok=False, mend="install Java 17"),
            Fact("chispa", "-", ok=None),
        ]
    )

    assert capsys.readouterr().out.splitlines() == [
        "ok     pytest  9.0",
        "wrong  Java    too old",
        "               mend: install Java 17",
        "-      chispa  -",
        "",
        "1 thing to mend",
    ]


def test_a_line_in_a_log_is_whole(capsys, monkeypatch):
    """A command that is cut into lines can't be copied from it."""
    monkeypatch.delenv("COLUMNS", raising=False)
    mend = f'pip install "databricks-notebook-harness[{"local," * 30}]"'

    show([Fact("Java", "too old", ok=False, mend=mend)])

    assert f"mend: {mend}\n" in capsys.readouterr().out


def test_json_has_the_same_facts():
    """Other programs read names, not columns."""
    out = io.StringIO()

    write_json([Fact("Java", "too old", ok=False, mend="install Java 17")], out)

    assert json.loads(out.getvalue()) == {
        "facts": [{"name": "Java", "value": "too old", "ok": False, "mend": "install Java 17"}]
    }


def test_without_a_project_the_defaults_hold(tmp_path):
    """A folder of notebooks needs no settings."""
    (fact,) = doctor._settings(str(tmp_path))

    assert fact.value.startswith("none: no pyproject.toml here or above")


def test_settings_of_pytest_that_cannot_be_read_are_told_once(facts):
    """They are a fault of the settings, and the plugin isn't blamed."""
    found = facts(files={"pytest.ini": "addopts"})

    assert wrong(found) == ["settings"]
    assert "pytest.ini can't be read" in found["settings"].value
