"""A sign-in that ends in mid run, on a workspace of this machine: renewed where it can be, and else told, with nothing lost."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import os
import subprocess
import sys
import time

import pytest
import requests
from databricks.sdk import environments, oauth
from own_rehearsal import driver, rehearsal

from harness.environments import Compute, Environment
from harness.remote import poller, sweep
from harness.remote.client import connect
from harness.remote.errors import SignInError
from harness.remote.removal import is_ours
from harness.remote.session import Remote
from harness.remote.state import state_folder

__all__ = ["rehearsal"]

HEADER = "# Databricks notebook source\n"
SPEC = {"spark_version": "17.3.x-scala2.13", "node_type_id": "Standard_D4ds_v5", "num_workers": 1}
STEPS = [
    "*/scim/v2/Me",
    "*/workspace/mkdirs",
    "*/workspace/import",
    "*/clusters/create",
    "*/runs/submit",
    "*/runs/get",
    "*/runs/get-output",
]


@pytest.fixture
def drive(rehearsal, monkeypatch):
    """Drive it by its user's token; its faults are gone after the test, and so is what they did to that token."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(rehearsal.ca))

    call = driver(rehearsal)
    yield call
    call("DELETE", "faults")


# What stands for Azure's own command: as `az account get-access-token` does, it gives a token, good for an hour.
AZ = """#!{python}
import datetime as dt, json, pathlib, sys
import requests
with pathlib.Path(__file__).with_name("asked").open("a") as asked:
    asked.write(" ".join(sys.argv[1:]) + "\\n")
if "{user}" == "nobody":
    sys.exit("ERROR: Please run 'az login' to setup account.")
elif sys.argv[1:3] == ["account", "show"]:
    print(json.dumps({{"user": {{"type": "user", "name": "{user}"}}}}))
else:
    form = {{"grant_type": "client_credentials", "scope": "all-apis"}}
    answer = requests.post("{host}/oidc/v1/token", data=form, auth=("{client}", "{secret}"), verify="{ca}", timeout=20).json()
    ends = dt.datetime.now() + dt.timedelta(seconds=answer["expires_in"])
    print(json.dumps({{"accessToken": answer["access_token"], "tokenType": "Bearer", "expiresOn": str(ends)}}))
"""


@pytest.fixture
def az(rehearsal, drive, tmp_path, monkeypatch):  # by what drives it its certificate is known
    """Have an Azure CLI that knows a user, or "nobody"; gives the file in which it notes what it is asked."""

    def install(user):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        known = {"host": rehearsal.host, "client": rehearsal.client_id, "secret": rehearsal.client_secret, "ca": rehearsal.ca}
        (folder / "az").write_text(AZ.format(python=sys.executable, user=user, **known))
        (folder / "az").chmod(0o700)
        monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
        # The SDK tells by the end of a host's name whether it is Azure's.
        azure = next(one for one in environments.ALL_ENVS if one.dns_zone == ".azuredatabricks.net")
        here = dataclasses.replace(azure, dns_zone=rehearsal.host.removeprefix("https://"))
        monkeypatch.setattr(environments, "ALL_ENVS", [here])
        return folder / "asked"

    return install


@pytest.fixture
def sign_in(rehearsal, drive, az, monkeypatch):
    """Set what a way to sign in takes."""

    def prepare(way):
        variables = {"DATABRICKS_AUTH_TYPE": way, "DATABRICKS_CLIENT_ID": rehearsal.client_id}
        if way == "azure-cli":
            az("somebody")
            variables = {"DATABRICKS_AUTH_TYPE": way}
        elif way == "pat":
            variables = {"DATABRICKS_TOKEN": rehearsal.token}
        elif way == "oauth-m2m":
            variables["DATABRICKS_CLIENT_SECRET"] = rehearsal.client_secret
        elif way == "env-oidc":
            job = drive("POST", "pipelines", kind="github")["variables"]
            url = f"{job['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={rehearsal.host}/oidc/v1/token"
            headers = {"Authorization": f"Bearer {job['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
            answer = requests.get(url, headers=headers, verify=str(rehearsal.ca), timeout=20)
            variables["DATABRICKS_OIDC_TOKEN"] = answer.json()["value"]
        else:
            variables |= drive("POST", "pipelines", kind=way.removesuffix("-oidc"))["variables"]
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return prepare


@pytest.fixture
def remote(rehearsal, tmp_path):
    """A process's use of the workspace, with a notebook that exits."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "etl.py").write_text(HEADER + "dbutils.notebook.exit('done')\n")
    return Remote(Environment("rehearsal", host=rehearsal.host, compute=Compute("new", spec=SPEC)), folder)


def left_on(rehearsal):
    """What is on there of ours; a run that was just cancelled may take a moment to end."""
    workspace, until = connect(rehearsal.host), time.monotonic() + 20
    while True:
        on = [one for one in workspace.runs_page(since_ms=0, active_only=True)[0] if one["run_name"].startswith("nbh-")]
        on += [one for one in workspace.clusters() if is_ours(one) and one["state"] != "TERMINATED"]
        if not on or time.monotonic() > until:
            return on
        time.sleep(0.1)


@pytest.mark.parametrize(("way", "path"), [*(("oauth-m2m", path) for path in STEPS), ("azure-cli", STEPS[4])])
def test_a_sign_in_by_oauth_is_renewed(rehearsal, drive, sign_in, remote, way, path):  # noqa: PLR0917 -- fixtures
    """Wherever its token ends: the call that was refused is made once more, and the notebook runs once."""
    sign_in(way)
    drive("DELETE", "calls")
    drive("POST", "faults", kind="token_expired", path=path)

    run = remote.run("etl.py")

    assert (run.ended, run.exit_value, run.retried) == ("exited", "done", ()), run.error
    assert drive("GET", "faults")["faults"][0]["met"] == 1
    calls = drive("GET", "calls")["calls"]
    assert calls["POST /oidc/v1/token"] >= 2
    made = [one for one in remote.workspace.runs_page(since_ms=0)[0] if one["run_name"].startswith(remote.name)]
    assert len(made) == 1
    assert not remote.close().left
    assert left_on(rehearsal) == []


@pytest.mark.parametrize("way", ["oauth-m2m", "github-oidc", "azure-devops-oidc", "azure-cli"])
def test_a_run_goes_on_past_the_hour(drive, sign_in, remote, monkeypatch, way):
    """Time passes on both sides: the SDK gets another token before its own is over."""
    sign_in(way)
    assert remote.run("etl.py").exit_value == "done"

    drive("POST", "clock", advance_s=3700)
    monkeypatch.setattr(oauth, "datetime", _Later)

    assert remote.run("etl.py").exit_value == "done"
    assert not remote.close().left


class _Later(dt.datetime):
    """What the SDK goes by, an hour later."""

    @classmethod
    def now(cls, tz=None):
        return dt.datetime.now(tz) + dt.timedelta(seconds=3700)


def test_azure_cli_is_asked_for_databricks(az, remote):
    """Nothing is set but the host: the SDK finds whom Azure's own command knows."""
    asked = az("somebody")

    assert remote.run("etl.py").exit_value == "done"
    assert "account get-access-token --resource 2ff814a6-3304-4ab8-85cb-cd0e6f879c1d" in asked.read_text()
    assert not remote.close().left


def test_azure_cli_without_an_account_is_told(az, remote, monkeypatch):
    """With what to do."""
    az("nobody")
    monkeypatch.setenv("DATABRICKS_AUTH_TYPE", "azure-cli")

    with pytest.raises(SignInError, match="NBH331") as caught:
        remote.run("etl.py")

    assert "cannot configure default credentials" in caught.value.cause
    assert caught.value.mend.startswith("none of the SDK's ways to sign in is set up here: az login, ")


def test_an_id_token_in_a_variable_is_over_before_the_hour(drive, sign_in, remote):
    """Nothing can renew it: that is told, with the ways to sign in that last."""
    sign_in("env-oidc")
    assert remote.run("etl.py").exit_value == "done"
    drive("POST", "clock", advance_s=3700)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(oauth, "datetime", _Later)
        with pytest.raises(SignInError, match="NBH331") as caught:
            remote.run("etl.py")

    assert "TOKEN_EXPIRED" in caught.value.cause
    assert "azure-devops-oidc" in caught.value.mend
    sign_in("env-oidc")
    assert not remote.close().left


@pytest.fixture
def swept(rehearsal, drive, sign_in, remote, monkeypatch):
    """Sign in by a token that ends at a call; afterwards, with one that is good, a sweep finds and removes what is left."""
    monkeypatch.setattr(poller, "NO_SIGN_IN_S", 0.3)
    sign_in("pat")
    yield lambda path: drive("POST", "faults", kind="token_expired", path=path)
    remote.close()  # it can remove nothing now
    drive("DELETE", "faults")
    for left in sweep.of_ledgers(host=rehearsal.host):
        assert not sweep.take_away(left, connect(rehearsal.host)).left
    assert left_on(rehearsal) == []
    assert not list(state_folder().iterdir())


@pytest.mark.parametrize("path", STEPS[:5])
def test_a_personal_token_that_ends_before_the_run_is_an_error(swept, remote, path):
    """With its mend."""
    swept(path)

    with pytest.raises(SignInError, match="NBH331") as caught:
        remote.run("etl.py")

    assert "Invalid access token" in caught.value.cause
    assert "sign in again" in caught.value.mend


@pytest.mark.parametrize("path", STEPS[5:])
def test_of_a_run_whose_personal_token_ends_nothing_is_known(swept, remote, path):
    """It may have passed, and isn't shown so."""
    swept(path)

    run = remote.run("etl.py")

    assert (run.passed, run.ended, run.exit_value) == (False, "infrastructure_failed", None)
    assert run.error.startswith("NBH392"), run.error
    assert "doesn't take the sign-in" in run.error


_SPARK = """
import datetime as dt, json, sys
import requests
from databricks.sdk import environments, oauth
from harness.environments import Compute, Environment
from harness.remote.session import Remote
host, project, token, ca, what = json.loads(sys.argv[1])
def drive(subject, **body):
    headers = {"Authorization": f"Bearer {token}"}
    requests.post(f"{host}/rehearsal/{subject}", json=body, headers=headers, verify=ca).raise_for_status()
class Later(dt.datetime):
    @classmethod
    def now(cls, tz=None):
        return dt.datetime.now(tz) + dt.timedelta(seconds=3700)
remote = Remote(Environment("rehearsal", host=host, compute=Compute()), project)
remote.check()
if what == "ended":
    drive("faults", kind="token_expired", path="/spark.connect.*")
try:
    spark = remote.spark().session
    told = [spark.range(3).count()]
    drive("clock", advance_s=3700)
    oauth.datetime = Later
    told.append(spark.range(4).count())
except Exception as exc:
    told = f"{type(exc).__name__}: {exc}"
print(json.dumps(told))
remote.close()
"""


@pytest.fixture
def spark(rehearsal, drive, sign_in, tmp_path):
    """Use a Spark session in a process of its own, and give what came of it."""

    def use(way, what):
        sign_in(way)
        env = {**os.environ, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(rehearsal.ca)}
        told = json.dumps([rehearsal.host, str(tmp_path), rehearsal.token, str(rehearsal.ca), what])
        done = subprocess.run(
            [sys.executable, "-c", _SPARK, told], capture_output=True, text=True, env=env, timeout=180, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert rehearsal.token not in done.stdout
        return json.loads(done.stdout.splitlines()[-1])

    return use


def test_a_spark_session_goes_on_past_the_hour(spark):
    """Each of its calls is signed in by the SDK."""
    assert spark("oauth-m2m", "on") == [3, 4]


def test_spark_of_a_token_that_ended_is_told(spark):
    """As what it is, and not as a cluster that gives no session."""
    assert spark("pat", "ended").startswith("SignInError: NBH331")
