"""Answers are recorded, by ``nbh record``, and the rehearsal is held to those that were recorded on a real workspace."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from data_fixtures import client, rehearsal

from harness.cli import main
from harness.commands import record as command
from harness.environments import Environment
from harness.remote.client import connect
from harness.remote.contracts import WORKSPACE, differences
from harness.remote.errors import RecordError
from harness.remote.record import MAKING, READING, STEPS, record
from harness.remote.state import state_folder
from harness.remote.vocabulary import vocabulary

__all__ = ["client", "rehearsal"]

CONTRACTS = Path(__file__).parent / "contracts"
KINDS = {"object", "array", "string", "integer", "number", "boolean", "any", "*"}
OWN = ("acme-scope-7", "acme_sales_7", "acme-tag-7", "acme-user-7@example.com", "acme-run-7")


@pytest.fixture(scope="module", autouse=True)
def _lived_in(client, rehearsal, tmp_path_factory):
    """A workspace that has something of each kind, so that lists have entries; and a sign-in to it."""
    client.secrets.create_scope(OWN[0])
    client.catalogs.create("prd")
    client.schemas.create(OWN[1], "main")
    tagged = {"spark_version": "17.3.x-scala2.13", "node_type_id": "Standard_D4ds_v5", "num_workers": 1}
    client.api_client.do(
        "POST", "/api/2.1/clusters/create", body={**tagged, "cluster_name": "x", "custom_tags": {OWN[2]: OWN[2]}}
    )
    client.api_client.do("POST", "/rehearsal/principals", body={"names": [OWN[3]]})
    grant = {"changes": [{"principal": OWN[3], "add": ["USE_CATALOG"]}]}
    client.api_client.do("PATCH", "/api/2.1/unity-catalog/permissions/catalog/main", body=grant)
    task = {"task_key": "a", "notebook_task": {"notebook_path": "/Workspace/none"}}
    client.api_client.do("POST", "/api/2.2/jobs/runs/submit", body={"run_name": OWN[4], "tasks": [task]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABRICKS_TOKEN", rehearsal.token)
        patch.setenv("REQUESTS_CA_BUNDLE", str(rehearsal.ca))
        patch.setenv("NBH_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="module")
def project(rehearsal, tmp_path_factory):
    """A project with an environment for trying, and a protected one, both on that workspace, each with its catalog."""
    folder = tmp_path_factory.mktemp("project")
    told = ""
    for name, catalog in (("trial", "main"), ("prd", "prd")):
        told += f'[tool.nbh.env.{name}]\nhost = "{rehearsal.host}"\ncatalog = "{catalog}"\n'
    (folder / "pyproject.toml").write_text(told)
    return folder


def run(project, *, name="trial", output="contracts", is_reading=False):
    """``nbh record``; gives whether all was recorded, and what it wrote."""
    out = io.StringIO()
    done = command.run(
        str(project), name=name, output=output, is_reading=is_reading, as_json=True, out=out, tell=lambda _line: None
    )
    return done, json.loads(out.getvalue())


@pytest.fixture(scope="module")
def recorded(project):
    """What was recorded, as it stands in files."""
    done, told = run(project)
    assert (done, told["not_recorded"]) == (True, {})
    return {one.step: one for one in command.read_all(project / "contracts")}


@pytest.fixture(scope="module")
def answered(rehearsal):
    """The same calls once more, on the same rehearsal."""
    environment = Environment("rehearsal", host=rehearsal.host, catalog="main")
    found = record(connect(rehearsal.host), environment, is_reading=False)
    assert found.lost == {}
    return {one.step: one for one in found.contracts}


def test_a_rehearsal_that_only_the_sign_in_tells_is_one(rehearsal, tmp_path, monkeypatch):
    """Its answers verify nothing, also where no file names its host."""
    (tmp_path / "pyproject.toml").write_text('[tool.nbh.env.trial]\ncatalog = "main"\n')
    monkeypatch.setenv("DATABRICKS_HOST", rehearsal.host)

    run(tmp_path, output=str(tmp_path / "contracts"), is_reading=True)

    assert {one.of for one in command.read_all(tmp_path / "contracts")} == {"rehearsal"}


def unlike(contract, answered):
    """How the rehearsal differs from a contract."""
    found = answered[contract.step]
    return differences(contract, status=found.status, shape=found.shape, reads=STEPS[contract.step].reads)


def test_each_call_is_recorded_and_nothing_is_left(recorded, client):
    """As of the rehearsal, under whatever name it is reached; what was made is gone."""
    assert list(STEPS) == [step for step in STEPS if step in recorded]
    assert {one.of for one in recorded.values()} == {"rehearsal"}
    assert {one.call for one in recorded.values()} == {step.call for step in STEPS.values()}
    assert [one.name for one in client.schemas.list("main") if one.name.startswith("nbh")] == []
    assert list(client.workspace.list(f"/Workspace/Users/{client.current_user.me().user_name}/.nbh")) == []
    assert not list(state_folder().iterdir())


def test_nothing_of_the_workspace_is_in_the_files(recorded, rehearsal, project):
    """Each word of a shape is the API's own, and no name, id, address or token of this workspace is there."""
    words = vocabulary()

    def strings(value):
        if isinstance(value, dict):
            return {*map(str, value), *(text for one in value.values() for text in strings(one))}
        return {text for one in value for text in strings(one)} if isinstance(value, list) else {value} - {None}

    told = {text.removesuffix("?") for one in recorded.values() for text in strings(one.shape)}
    texts = "".join(path.read_text() for path in (project / "contracts").iterdir())

    assert told <= KINDS | words.fields | words.constants
    assert len(told & words.fields) > 50
    for secret in (rehearsal.host, str(rehearsal.port), rehearsal.token, "rehearsal@example.com", "/Workspace", *OWN):
        assert secret not in texts


def test_the_rehearsal_is_held_to_what_it_answered(recorded, answered):
    """Twice the same."""
    assert {step: told for step, one in recorded.items() if (told := unlike(one, answered))} == {}


@pytest.mark.parametrize(
    ("step", "changed", "told"),
    [
        ("no_cluster", {"status": 404}, "status: 404 is recorded, 400 is answered"),
        ("no_cluster", {"error_code": {"string": ["NOT_FOUND"]}}, "error_code: NOT_FOUND is recorded, INVALID_PARAMETER"),
        ("notebook", {"language": "integer"}, "language: integer is recorded, string is answered"),
        ("schema", {"full_name": {"object": {}}}, "full_name: object is recorded, string is answered"),
    ],
)
def test_a_doctored_contract_fails(recorded, answered, step, changed, told):
    """Another status, code or type."""
    one = recorded[step]
    fields = {**one.shape["object"], **{key: value for key, value in changed.items() if key != "status"}}
    doctored = replace(one, status=changed.get("status", one.status), shape={"object": fields})

    assert len(unlike(doctored, answered)) == 1
    assert unlike(doctored, answered)[0].startswith(told)


def test_what_the_harness_reads_may_not_be_missing(recorded, answered):
    """And a list with no entry to look at is no proof."""
    less = {**answered, "runs": replace(answered["runs"], shape={"object": {"runs": {"array": {"object": {}}}}})}
    empty = {**answered, "catalogs": replace(answered["catalogs"], shape={"object": {"catalogs": {"array": None}}})}

    assert unlike(recorded["runs"], less) == [
        "runs[].run_id: integer is recorded, nothing is answered",
        "runs[].run_name: string is recorded, nothing is answered",
    ]
    assert unlike(recorded["catalogs"], empty) == [
        "catalogs[]: entries are recorded, and none is answered that could be compared"
    ]


def test_a_protected_environment_is_only_read_and_only_if_that_is_spelled_out(project, client):
    """Nothing is made there, and no file is written of what wasn't asked."""
    with pytest.raises(RecordError, match=r"NBH435 the environment 'prd' is protected(.|\n)*--env prd --read-only"):
        run(project, name="prd", output="of_prd")
    assert not (project / "of_prd").exists()
    client.api_client.do("DELETE", "/rehearsal/calls")

    done, told = run(project, name="prd", output="of_prd", is_reading=True)

    calls = client.api_client.do("GET", "/rehearsal/calls")["calls"]
    assert (done, set(told["recorded"])) == (True, {step.name for step in READING})
    assert [call for call in calls if not call.startswith("GET ")] == []


def test_the_command_says_what_it_did(project, monkeypatch, capsys):
    """By its exit code, and in lines for people."""
    monkeypatch.chdir(project)

    refused = main(["record", "--env", "prd"])
    done = main(["record", "--env", "trial", "--read-only", "--output", "told"])

    said = capsys.readouterr()
    assert (refused, done) == (3, 0)
    assert "nbh record --env prd --read-only" in said.err
    assert f"{len(READING)} answers of a rehearsal are in " in said.out
    assert len(list((project / "told").iterdir())) == len(READING)


def test_what_goes_wrong_is_told_and_what_was_made_is_removed(project, client):
    """An answer that was lost is no contract, and the rest is recorded."""
    fault = {"kind": "internal_error", "path": "/api/2.1/unity-catalog/schemas/*", "method": "DELETE", "times": 1}
    client.api_client.do("POST", "/rehearsal/faults", body=fault)

    done, told = run(project, output="more")

    assert not done
    assert told["not_recorded"] == {"drop_schema": "the workspace didn't serve it (500)"}
    assert set(told["recorded"]) == {step.name for step in (*READING, *MAKING)} - {"drop_schema"}
    assert [one.name for one in client.schemas.list("main") if one.name.startswith("nbh")] == []


def test_a_rehearsals_answers_never_take_the_place_of_a_workspaces(project, recorded):
    """They would be taken for proof."""
    folder = project / "real"
    folder.mkdir()
    real = json.dumps(replace(recorded["me"], of=WORKSPACE).as_dict())
    (folder / "me.json").write_text(real)

    with pytest.raises(RecordError, match=r"recorded on a workspace: me"):
        run(project, output="real", is_reading=True)

    assert [path.name for path in folder.iterdir()] == ["me.json"]
    assert (folder / "me.json").read_text() == real


def test_the_rehearsal_is_as_a_real_workspace_was(answered):
    """Each file of ``tests/rehearsal/contracts``: the same status, and a shape that fits."""
    contracts = [one for one in command.read_all(CONTRACTS) if one.of == WORKSPACE]
    if not contracts:
        pytest.skip("no answer of a real workspace is here: nbh record --env NAME --output tests/rehearsal/contracts")

    assert {one.step for one in contracts} <= set(STEPS)
    assert {one.step: told for one in contracts if (told := unlike(one, answered))} == {}
