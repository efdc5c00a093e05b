"""Many runs at once on a workspace of this machine: as many as may be, no more, and few calls while they are waited for."""

from __future__ import annotations

import time

import pytest
import requests
from own_rehearsal import rehearsal

from harness.environments import REHEARSAL, Compute, Environment
from harness.remote.session import CALLS_PER_S_OF_REHEARSAL, Remote

__all__ = ["rehearsal"]

HEADER = "# Databricks notebook source\n"
AT_ONCE, RUNS = 3, 12


@pytest.fixture
def control(rehearsal, monkeypatch):
    """Signed in by its user's token; asks the rehearsal itself."""
    monkeypatch.setenv("DATABRICKS_TOKEN", rehearsal.token)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(rehearsal.ca))
    headers = {"Authorization": f"Bearer {rehearsal.token}"}

    def call(method, subject):
        url = f"{rehearsal.host}/rehearsal/{subject}"
        answer = requests.request(method, url, headers=headers, verify=str(rehearsal.ca), timeout=20)
        answer.raise_for_status()
        return answer.json()

    return call


def most_at_once(runs):
    """How many of them were on at the same moment, by the workspace's own times."""
    changes = sorted([(one["start_time"], 1) for one in runs] + [(one["end_time"], -1) for one in runs])
    now = most = 0
    for _, by in changes:  # at one moment an end comes before a start
        now += by
        most = max(most, now)
    return most


def test_as_many_run_at_once_as_may_and_calls_are_few(rehearsal, control, tmp_path):
    """Each gives what it is to give; the workspace is asked no oftener than was agreed, whatever their number."""
    for number in range(RUNS):
        seconds = 1.5 if number < AT_ONCE else 0.2  # the first are on together however slowly they are sent
        text = f"import time\ntime.sleep({seconds})\ndbutils.notebook.exit('{number}')\n"
        (tmp_path / f"n{number}.py").write_text(HEADER + text)
    remote = Remote(Environment(REHEARSAL, host=rehearsal.host, compute=Compute(), concurrency=AT_ONCE), tmp_path)
    remote.check()
    control("DELETE", "calls")
    begun = time.monotonic()

    handles = [remote.submit(f"n{number}.py") for number in range(RUNS)]
    values = [handle.result().exit_value for handle in handles]
    took, calls = time.monotonic() - begun, control("GET", "calls")["calls"]
    runs = [one for one in remote.workspace.runs_page(since_ms=0)[0] if one["run_name"].startswith(remote.name)]

    assert values == [str(number) for number in range(RUNS)]
    assert len(runs) == RUNS
    assert most_at_once(runs) == AT_ONCE
    looks = sum(count for name, count in calls.items() if name.endswith(("/runs/get", "/runs/list")))
    assert looks <= took * CALLS_PER_S_OF_REHEARSAL + RUNS
    assert sum(count for name, count in calls.items() if name.endswith("/runs/submit")) == RUNS
    assert not remote.close().left
