"""A rehearsal is started, found, shared and ended; and nothing of it is left."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
import requests
from filelock import FileLock

from harness.errors import HarnessError
from harness.rehearsal import control
from harness.rehearsal.clusters import EXISTING
from harness.rehearsal.place import Place
from harness.settings import Settings

SETTINGS = Settings("/")

START = """
from harness.rehearsal import control
from harness.settings import Settings
print(control.start(Settings("/")).pid)
"""


@pytest.fixture
def env(tmp_path, borrow):
    """An environment with a cache of its own, whose rehearsals are ended after the test."""
    env = {**os.environ, "NBH_CACHE_DIR": str(borrow(tmp_path / "cache"))}
    yield env
    for path in (tmp_path / "cache" / "rehearsals").glob("*/asked.json"):
        place = Place(path.parent)
        control._end(place, json.loads(path.read_text()).get("pid", 0))
        control.clear(place)  # a killed one leaves its sockets


def until(holds, *, seconds=15.0):
    """Wait until something holds; whether it does."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def is_up(pid):
    """Whether a process runs."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def call(running, method, path, **more):
    """One call with the user's token."""
    headers = {"Authorization": f"Bearer {running.token}"}
    return requests.request(method, running.host + path, headers=headers, verify=str(running.ca), timeout=20, **more)


def test_it_is_started_found_and_stopped(env):
    """And after that nothing runs, and no state is left."""
    said = []
    assert control.find(env) is None

    running = control.start(SETTINGS, env=env, progress=said.append)

    assert control.find(env) == running
    assert call(running, "GET", "/api/2.0/preview/scim/v2/Me").ok
    assert [line.startswith("starting") or str(running.pid) in line for line in said] == [True, True]
    control.stop(running)
    assert control.find(env) is None
    assert not is_up(running.pid)
    assert sorted(path.name for path in Path(running.folder).iterdir()) == ["cwd", "lock", "log"]


def test_two_starts_make_one(env):
    """At the same time, from two processes."""
    starters = [subprocess.Popen([sys.executable, "-c", START], env=env, stdout=subprocess.PIPE, text=True) for _ in range(3)]

    pids = {starter.communicate(timeout=60)[0].strip() for starter in starters}

    assert len(pids) == 1
    assert str(control.find(env).pid) in pids


def test_its_secrets_are_the_users_alone(env):
    """On disk, and in what is printed of it."""
    running = control.start(SETTINGS, env=env)

    for name in ("record.json", "asked.json", "log"):
        assert stat.S_IMODE((Path(running.folder) / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(running.folder).stat().st_mode) == 0o700
    assert running.token not in repr(running)
    assert running.token not in " ".join(psutil.Process(running.pid).cmdline())
    assert running.token not in running.log.read_text()


def test_it_ends_with_its_owner(env):
    """Also where the owner is killed; and it is another one than the user's."""
    owner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    owned = control.start(SETTINGS, env=env, owner=owner.pid)
    kept = control.start(SETTINGS, env=env)
    assert owned.pid != kept.pid

    owner.kill()
    owner.wait()

    assert until(lambda: not is_up(owned.pid))
    assert is_up(kept.pid)


def test_it_ends_when_nobody_calls(env, monkeypatch):
    """After the time that it was given."""
    monkeypatch.setattr(control, "idle_s", lambda _settings, _env: 1)

    running = control.start(SETTINGS, env=env)

    assert until(lambda: not is_up(running.pid))
    assert "nobody has called it for long" in running.log.read_text()


def test_nothing_of_its_starter_is_inherited(env):
    """A pipe that reads the starter's output ends with the starter."""
    env = {**env, "DATABRICKS_TOKEN": "dapi-of-mine", "MY_SECRET": "s"}

    done = subprocess.run([sys.executable, "-c", START], env=env, capture_output=True, text=True, timeout=60, check=True)

    pid = int(done.stdout)
    environment = psutil.Process(pid).environ()
    assert not {"DATABRICKS_TOKEN", "MY_SECRET"} & set(environment)
    assert os.getsid(pid) == pid


def test_it_has_the_mirrors_of_its_starter(env):
    """And whom that trusts: the engine that it starts fetches Delta's jars, and makes an environment by pip."""
    mirrors = {"NBH_MAVEN_URL": "https://m.invalid", "NBH_IVY_SETTINGS": "/i.xml", "PIP_CONFIG_FILE": "/p.conf"}
    trusted = {"SSL_CERT_DIR": "/etc/ssl/certs", "REQUESTS_CA_BUNDLE": "/c.pem", "PIP_CERT": "/c.pem"}

    running = control.start(SETTINGS, env={**env, **mirrors, **trusted})

    assert psutil.Process(running.pid).environ().items() >= {**mirrors, **trusted}.items()


def test_why_it_does_not_start_is_told(env, monkeypatch):
    """The end of its log is in the error, and nothing is left running."""
    monkeypatch.setattr(control, "_PASSED_ON", ())
    monkeypatch.setattr(control, "sys", type("Other", (), {"executable": "/bin/false", "prefix": "/", "platform": "linux"}))

    with pytest.raises(HarnessError) as caught:
        control.start(SETTINGS, env=env)

    assert caught.value.code == "NBH400"
    assert "it ended with exit code 1" in caught.value.cause
    assert "log" in caught.value.mend


def test_a_new_one_is_empty_and_has_other_secrets(env):
    """Nothing stays of the one before."""
    first = control.start(SETTINGS, env=env)
    call(first, "POST", "/api/2.0/workspace/mkdirs", json={"path": "/Shared/mine"}).raise_for_status()
    control.stop(first)

    second = control.start(SETTINGS, env=env)

    assert second.token != first.token
    assert second.space != first.space
    assert call(second, "GET", "/api/2.0/workspace/get-status?path=/Shared/mine").status_code == 404


def test_files_of_an_ended_one_go_late(env):
    """The Spark engine removes them when it gets to it; what has come in the same place meanwhile keeps its own."""
    before = control.start(SETTINGS, env=env)
    control.stop(before)
    after = control.start(SETTINGS, env=env)
    assert before.folder == after.folder

    shutil.rmtree(Place(Path(before.folder)).files(before.space), ignore_errors=True)

    assert Place(Path(after.folder)).files(after.space).is_dir()


def test_a_killed_one_is_replaced(env):
    """Its record is no reason to think it is there."""
    first = control.start(SETTINGS, env=env)
    os.kill(first.pid, signal.SIGKILL)
    assert until(lambda: not is_up(first.pid))

    assert control.find(env) is None
    assert control.start(SETTINGS, env=env).pid != first.pid


def test_one_of_an_older_harness_is_not_found(env, monkeypatch):
    """It would answer by its old code; it is left to those who use it, and ends by itself."""
    monkeypatch.setattr(control, "_code_here", lambda: "before")
    older = control.start(SETTINGS, env=env)
    monkeypatch.undo()

    assert control.find(env) is None
    newer = control.start(SETTINGS, env=env)

    assert newer.pid != older.pid
    assert is_up(older.pid)
    assert control.find(env) == newer


def test_other_code_is_told_by_its_files(tmp_path):
    """By one that is new, gone, longer or written again; not by what Python makes of them."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.py").write_text("x = 1\n")
    seen = [control.code_of(tmp_path)]

    (tmp_path / "sub" / "a.pyc").write_text("compiled")
    assert control.code_of(tmp_path) == seen[0]
    (tmp_path / "b.py").write_text("")
    seen.append(control.code_of(tmp_path))
    (tmp_path / "b.py").write_text("y = 1\n")
    seen.append(control.code_of(tmp_path))
    os.utime(tmp_path / "b.py", (1, 1))
    seen.append(control.code_of(tmp_path))

    assert len(set(seen)) == len(seen)


def test_what_old_ones_left_is_removed(env):
    """After a day, with their logs; what is newer, or being started, stays."""
    above = control.place_of(env).folder.parent
    for name in ("old", "new", "starting"):
        (above / name).mkdir(parents=True)
        (above / name / "log").write_text("ending")
    with FileLock(above / "starting" / "lock"):
        for name in ("old", "starting"):
            os.utime(above / name, (1, 1))

        control.start(SETTINGS, env=env)

    assert not (above / "old").exists()
    assert (above / "new" / "log").exists()
    assert (above / "starting" / "log").exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_it_runs_ends_with_it(env, number):
    """A notebook that sleeps doesn't outlive the server, however that ends."""
    running = control.start(SETTINGS, env=env)
    name = f"sleeper-{os.getpid()}-{number}"
    child = f'[sys.executable, "-c", "import time; time.sleep(600)", "{name}"]'
    source = f"# Databricks notebook source\nimport subprocess, sys\nsubprocess.run({child}, start_new_session=True)\n"
    body = {"path": f"/Shared/{name}", "format": "SOURCE", "language": "PYTHON", "content": _base64(source)}
    call(running, "POST", "/api/2.0/workspace/import", json=body).raise_for_status()
    task = {"task_key": "a", "existing_cluster_id": EXISTING, "notebook_task": {"notebook_path": f"/Shared/{name}"}}
    call(running, "POST", "/api/2.2/jobs/runs/submit", json={"tasks": [task]}).raise_for_status()
    assert until(lambda: _running(name), seconds=60)

    os.kill(running.pid, number)

    assert until(lambda: not _running(name), seconds=30)
    assert until(lambda: not is_up(running.pid), seconds=30)


def test_calls_at_once_are_answered_at_once(env):
    """Eight slow ones take as long as one."""
    running = control.start(SETTINGS, env=env)
    fault = {"kind": "slow", "path": "*/Me", "times": 8, "seconds": 0.5}
    call(running, "POST", "/rehearsal/faults", json=fault).raise_for_status()
    codes = []
    threads = [
        threading.Thread(target=lambda: codes.append(call(running, "GET", "/api/2.0/preview/scim/v2/Me").status_code))
        for _ in range(8)
    ]
    begun = time.monotonic()

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert codes == [200] * 8
    assert time.monotonic() - begun < 3


def _base64(text):
    import base64

    return base64.b64encode(text.encode()).decode()


def _running(name):
    found = psutil.process_iter(["cmdline"])
    return [one for one in found if any(name in part for part in one.info["cmdline"] or ())]
