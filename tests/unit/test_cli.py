from __future__ import annotations

import subprocess
import sys

import pytest

from harness import cli

NOTEBOOK = "# Databricks notebook source\ndef add(a, b):\n    return a + b\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with one notebook, as the current folder."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "etl.py").write_text(NOTEBOOK)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    return tmp_path


def test_list_exits_0_where_all_was_read(project, capsys):
    """Yes: this is all there is."""
    assert cli.main(["list"]) == cli.YES

    assert "add()" in capsys.readouterr().out


def test_list_exits_3_where_something_could_not_be_read(project, capsys):
    """Unknown is not yes."""
    (project / "torn.ipynb").write_text("{")

    assert cli.main(["list", "--json"]) == cli.UNKNOWN


def test_new_test_exits_1_where_the_file_is_there(project, capsys):
    """No: it is somebody's, and left alone."""
    assert cli.main(["new-test", "etl.py"]) == cli.YES
    assert cli.main(["new-test", "etl.py"]) == cli.NO

    assert "--force" in capsys.readouterr().err


@pytest.mark.parametrize(("ok", "code"), [(True, 0), (None, 0), (False, 1)])
def test_doctor_exits_1_where_something_must_be_mended(project, monkeypatch, capsys, ok, code):
    """What is neither good nor bad needs no mending."""
    from harness.commands import doctor
    from harness.spark.facts import Fact

    monkeypatch.setattr(doctor, "examine", lambda _: [Fact("Java", "x", ok=ok, mend="" if ok is not False else "y")])

    assert cli.main(["doctor"]) == code
    assert cli.main(["doctor", "--json"]) == code


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lst"], 'did you mean "list"?'),
        (["list", "--jsn"], 'did you mean "--json"?'),
        (["new-tset", "x"], 'did you mean "new-test"?'),
        (["list", "--zzz"], "unrecognized arguments: --zzz\n"),
        ([], "required: COMMAND"),
        (["new-test"], "required: NOTEBOOK"),
    ],
)
def test_wrong_use_exits_2_with_the_near_miss(capsys, arguments, said):
    """A typing error is told with what was probably meant."""
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)

    assert caught.value.code == cli.WRONG_USE
    assert said in capsys.readouterr().err


def test_a_path_that_is_not_there_exits_2_with_the_near_miss(project, capsys):
    """It is told as our errors are, without a traceback."""
    assert cli.main(["list", "etl.ipy"]) == cli.WRONG_USE

    assert capsys.readouterr().err == (
        "NBH200 there is no such file or folder\n"
        '  cause: the path is "etl.ipy"\n'
        '  mend:  did you mean "etl.py"?\n'
        "  more:  docs/errors.md#nbh200\n"
    )


def test_wrong_settings_exit_2(project, capsys):
    """The message starts with the file, relative to where the command runs."""
    (project / "pyproject.toml").write_text("[tool.nbh]\nrots = []\n")

    assert cli.main(["list"]) == cli.WRONG_USE

    assert capsys.readouterr().err.startswith("pyproject.toml: NBH200 unknown setting 'rots'\n")


def test_a_setting_in_the_wrong_place(project, capsys):
    """One of an environment's is told to be that."""
    (project / "pyproject.toml").write_text('[tool.nbh]\ndata_files = ["conf.yml"]\n')

    assert cli.main(["list"]) == cli.WRONG_USE

    assert "mend:  it is one environment's: write it under [tool.nbh.env.NAME], not under [tool.nbh]" in capsys.readouterr().err


def test_a_notebook_that_cannot_be_read_exits_3(project, capsys):
    """Whether a test could be written is not known."""
    (project / "torn.ipynb").write_text("{")

    assert cli.main(["new-test", "torn.ipynb"]) == cli.UNKNOWN

    assert capsys.readouterr().err.startswith("torn.ipynb:1: NBH100 the notebook is not valid JSON\n")


def test_a_folder_that_cannot_be_searched_is_told_beside_json(project, monkeypatch, capsys):
    """JSON has no place for it, so it goes to the error stream."""
    from harness.commands import list as command
    from harness.model import Location, Problem

    problem = Problem("NBH100", "the folder can't be searched", Location("closed"), cause="permission denied")
    monkeypatch.setattr(command, "make_list", lambda *_, **__: command.Listing(str(project), (), (problem,)))

    assert cli.main(["list", "--json"]) == cli.UNKNOWN

    assert capsys.readouterr().err == "closed: NBH100 the folder can't be searched: permission denied\n"


def test_ctrl_c_ends_quietly(project, monkeypatch, capsys):
    """No traceback, and the exit code that shells know."""

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    from harness.commands import list as command

    monkeypatch.setattr(command, "make_list", interrupt)

    assert cli.main(["list"]) == cli.INTERRUPTED
    assert capsys.readouterr().err == ""


def test_a_reader_that_has_enough_is_no_error(project):
    """``nbh list | head -1`` ends as if all had been read."""
    for number in range(300):
        (project / f"n{number}.py").write_text(NOTEBOOK)
    nbh = subprocess.Popen([sys.executable, "-m", "harness", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    nbh.stdout.readline()
    nbh.stdout.close()

    assert nbh.stderr.read() == ""
    nbh.stderr.close()
    assert nbh.wait() == cli.YES


@pytest.mark.parametrize("arguments", [[], ["list"], ["new-test"], ["doctor"]])
def test_help_teaches_by_examples(capsys, arguments):
    """Each page has examples that can be copied, and says what the exit codes mean."""
    with pytest.raises(SystemExit) as caught:
        cli.main([*arguments, "--help"])

    shown = capsys.readouterr().out
    assert caught.value.code == 0
    assert "examples:\n  nbh " in shown
    assert "exit codes: 0 " in shown


def test_the_version_is_shown(capsys):
    """It is the installed one."""
    from importlib.metadata import version

    with pytest.raises(SystemExit):
        cli.main(["--version"])

    assert capsys.readouterr().out == f"nbh {version('databricks-notebook-harness')}\n"


def test_help_imports_nothing_heavy():
    """Who asks for help doesn't wait for what only the work needs."""
    code = (
        "import sys\nfrom harness import cli\ntry:\n    cli.main(['list', '--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'rich', 'pytest', 'nbformat', 'harness.extract', 'harness.notebook'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stderr == "[]\n"


def test_a_short_list_shows_no_progress():
    """On few notebooks a line of progress would only flicker."""
    assert cli._watch(["a"]) == ["a"]


def test_a_long_list_shows_progress_on_a_terminal(monkeypatch):
    """The notebooks come back one by one while the line moves."""
    monkeypatch.setattr(
        cli.sys, "stderr", type("Terminal", (), {"isatty": lambda _: True, "write": len, "flush": lambda _: None})()
    )
    notebooks = [str(number) for number in range(60)]

    assert list(cli._watch(notebooks)) == notebooks
