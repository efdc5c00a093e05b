"""``nbh rehearsal``: a user's own tools find the rehearsal, and only it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from harness import cli
from harness.rehearsal import control
from harness.settings import Settings

# What a user's shell may have, and what must not count then.
OTHERS = {
    "DATABRICKS_HOST": "https://adb-1.1.azuredatabricks.net",
    "DATABRICKS_CLIENT_ID": "mine",
    "DATABRICKS_CLIENT_SECRET": "mine",
    "DATABRICKS_CONFIG_PROFILE": "pps",
    "ARM_CLIENT_ID": "mine",
}
ASK = """
from databricks.sdk import WorkspaceClient
print(WorkspaceClient().current_user.me().user_name)
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory, borrow):
    """A cache of this file's own, in which a rehearsal runs."""
    folder = borrow(tmp_path_factory.mktemp("command") / "cache")
    running = control.start(Settings("/"), env={**os.environ, "NBH_CACHE_DIR": str(folder)}, owner=0)
    yield folder
    control.stop(running)


def test_a_shell_signs_in_by_the_lines(cache):
    """Whatever other sign-in it has."""
    script = f'eval "$({sys.executable} -m harness rehearsal env)" && {sys.executable} -c "$ASK"'
    env = {**os.environ, **OTHERS, "NBH_CACHE_DIR": str(cache), "ASK": ASK}

    done = subprocess.run(["sh", "-c", script], env=env, capture_output=True, text=True, check=False, timeout=60)

    assert (done.stdout, done.stderr) == ("rehearsal@example.com\n", "")


def test_the_lines_can_be_had_as_data(cache, monkeypatch, capsys):
    """With the same names."""
    monkeypatch.setenv("NBH_CACHE_DIR", str(cache))

    assert cli.main(["rehearsal", "env"]) == cli.YES
    lines = capsys.readouterr().out.splitlines()
    assert cli.main(["rehearsal", "env", "--json"]) == cli.YES
    data = json.loads(capsys.readouterr().out)

    assert [line.removeprefix("export ").partition("=")[0] for line in lines] == list(data)
    running = control.find()
    assert (data["DATABRICKS_HOST"], data["DATABRICKS_TOKEN"]) == (running.host, running.token)
    assert data["REQUESTS_CA_BUNDLE"] == str(running.ca)


def test_no_line_is_written_where_none_runs(tmp_path, monkeypatch, capsys):
    """A shell that takes the lines takes nothing, and the user is told what to do."""
    monkeypatch.setenv("NBH_CACHE_DIR", str(tmp_path))

    assert cli.main(["rehearsal", "env"]) == cli.NO

    told = capsys.readouterr()
    assert told.out == ""
    assert "no rehearsal runs; `nbh rehearsal start` starts one" in told.err


def test_starting_says_how_to_sign_in(cache, monkeypatch, capsys):
    """The token itself is written only where it is asked for."""
    monkeypatch.setenv("NBH_CACHE_DIR", str(cache))

    assert cli.main(["rehearsal", "start"]) == cli.YES

    told = capsys.readouterr()
    assert 'eval "$(nbh rehearsal env)"' in told.err
    assert control.find().token not in told.out + told.err


@pytest.mark.parametrize("arguments", [["rehearsal"], ["rehearsal", "env"]])
def test_help_says_what_it_is_for(capsys, arguments):
    """With examples and the exit codes."""
    with pytest.raises(SystemExit):
        cli.main([*arguments, "--help"])

    told = capsys.readouterr().out
    assert 'eval "$(nbh rehearsal env)"' in told
    assert "exit codes: 0 " in told
