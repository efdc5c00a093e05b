from __future__ import annotations

import subprocess

import pytest

from harness.execute.shell import list_files, run_shell


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A run's folder, which is the current one."""
    work = tmp_path / "work"
    (work / "sub").mkdir(parents=True)
    (work / "sub" / "a.txt").touch()
    monkeypatch.chdir(work)
    return work


def test_a_failing_shell_is_told(work, capsys):
    """As on Databricks the notebook goes on; unlike there, it says so."""
    run_shell("echo out; echo err >&2; exit 3", folder=str(work.parent))

    told = capsys.readouterr()
    assert told.out == "out\nerr\n"
    assert told.err == "the shell ended with 3; as on Databricks the notebook goes on (%sh -e ends it)\n"


@pytest.mark.parametrize("text", ["-e\nfalse\necho on", "-e false", "-e exit 2"])
def test_a_shell_that_is_to_fail(work, capsys, text):
    """At the first command that does."""
    with pytest.raises(subprocess.CalledProcessError, match="%sh -e"):
        run_shell(text, folder=str(work.parent))

    assert "on" not in capsys.readouterr().out


def test_what_is_left_in_the_background_is_not_waited_for(work, capsys):
    """It ends with the run."""
    run_shell("sleep 30 & echo $!", folder=str(work.parent))

    subprocess.run(["kill", capsys.readouterr().out.strip()], check=True)


def test_files_are_listed_without_a_shell(work, capsys):
    """So that nothing else can be run by it."""
    list_files("-1 sub/*.txt '$(touch x)'")

    told = capsys.readouterr()
    assert told.out == "sub/a.txt\n"
    assert "$(touch x)" in told.err
    assert not (work / "x").exists()
