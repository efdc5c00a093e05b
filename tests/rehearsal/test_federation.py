"""Sign-in by the ID token of a pipeline: the SDK's own ways, over TLS, with a stand-in for who issues the tokens."""

from __future__ import annotations

import base64
import json
import os

import pytest
import requests
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from own_rehearsal import rehearsal

from harness.remote.client import connect
from harness.remote.errors import SignInError

__all__ = ["rehearsal"]

WAYS = ["github-oidc", "azure-devops-oidc", "env-oidc", "file-oidc"]
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT = "urn:ietf:params:oauth:token-type:jwt"


@pytest.fixture(autouse=True)
def _nobodys_sign_in(rehearsal, monkeypatch):
    """Only what the test sets is there."""
    for name in [name for name in os.environ if name.startswith(("DATABRICKS_", "ARM_", "AZURE_", "ACTIONS_", "SYSTEM_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(rehearsal.ca))


@pytest.fixture
def call(rehearsal):
    """Make one plain call."""

    def make(method, path, token="", **more):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = path if "://" in path else rehearsal.host + path
        return requests.request(method, url, headers=headers, verify=str(rehearsal.ca), timeout=20, **more)

    return make


@pytest.fixture
def variables(rehearsal, call):
    """Begin a pipeline's job, and give the variables of its steps."""

    def begin(kind, **told):
        answer = call("POST", "/rehearsal/pipelines", rehearsal.token, json={"kind": kind, **told})
        assert answer.ok, answer.text
        return answer.json()["variables"]

    return begin


@pytest.fixture
def id_token(rehearsal, variables, call):
    """Have GitHub's stand-in issue a token, as a workflow's own step does."""

    def issue(**told):
        given = variables("github", **told)
        url = f"{given['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={rehearsal.host}/oidc/v1/token"
        return call("GET", url, given["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]).json()["value"]

    return issue


@pytest.fixture
def sign_in(rehearsal, variables, id_token, monkeypatch, tmp_path):
    """Set what a pipeline sets for a way to sign in."""

    def prepare(way, **told):
        monkeypatch.setenv("DATABRICKS_HOST", rehearsal.host)
        monkeypatch.setenv("DATABRICKS_CLIENT_ID", rehearsal.client_id)
        monkeypatch.setenv("DATABRICKS_AUTH_TYPE", way)
        if way == "env-oidc":
            monkeypatch.setenv("DATABRICKS_OIDC_TOKEN", id_token(**told))
        elif way == "file-oidc":
            (tmp_path / "id-token").write_text(id_token(**told))
            monkeypatch.setenv("DATABRICKS_OIDC_TOKEN_FILEPATH", str(tmp_path / "id-token"))
        else:
            for name, value in variables(way.removesuffix("-oidc"), **told).items():
                monkeypatch.setenv(name, value)

    return prepare


def me():
    """Who the SDK signs in as, by nothing but variables."""
    return WorkspaceClient(config=Config(retry_timeout_seconds=5)).current_user.me()


@pytest.mark.parametrize("way", WAYS)
def test_a_pipeline_signs_in_as_the_service_principal(rehearsal, sign_in, way):
    """By its ID token alone: it knows neither the user's token nor a secret."""
    sign_in(way)

    client = WorkspaceClient()

    assert client.current_user.me().user_name == rehearsal.client_id
    assert client.config.auth_type == way
    assert client.clusters.spark_versions().versions


BAD = {
    "of another pipeline": ({"subject": "repo:rehearsal/project:pull_request"}, "TOKEN_INVALID"),
    "of another issuer": ({"issuer": "https://token.actions.example.com"}, "TOKEN_INVALID"),
    "for somebody else": ({"audience": "https://another.example.com"}, "TOKEN_AUDIENCE_INVALID"),
    "signed by another key": ({"is_forged": True}, "TOKEN_INVALID"),
    "over": ({"lifetime_s": -60}, "TOKEN_EXPIRED"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", list(BAD))
def test_a_bad_id_token_is_refused(sign_in, way, what):
    """In OAuth's shape, which the SDK tells; nobody is signed in."""
    told, code = BAD[what]
    sign_in(way, **told)

    with pytest.raises(ValueError, match=f"invalid_grant: Failed to process token: {code}"):
        me()


def test_a_refusal_says_which_policy_would_be_for_the_token(sign_in):
    """As a workspace does: issuer, subject and audience as they were sent."""
    sign_in("azure-devops-oidc", subject="p://rehearsal/project/other")

    with pytest.raises(ValueError, match=r"Ensure a valid federation policy has been configured") as caught:
        me()

    assert "issuer: 'https://vstoken.dev.azure.com/" in str(caught.value)
    assert "subject: 'p://rehearsal/project/other', audience: 'api://AzureADTokenExchange'}" in str(caught.value)


def exchange(call, token, **more):
    """Exchange an ID token by a plain call."""
    form = {"grant_type": EXCHANGE, "subject_token_type": JWT, "subject_token": token, **more}
    answer = call("POST", "/oidc/v1/token", data=form)
    return answer.status_code, answer.json()


def test_the_exchange_names_whose_policy_it_is(rehearsal, call, id_token):
    """Policies aren't searched: without the service principal's id there is none."""
    token = id_token()

    status, answer = exchange(call, token, client_id=rehearsal.client_id)
    assert (status, answer["token_type"], answer["scope"]) == (200, "Bearer", "all-apis")
    assert answer["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    for more in ({}, {"client_id": "00000000-0000-4000-9000-000000000999"}):
        status, answer = exchange(call, token, **more)
        assert (status, answer["error"]) == (400, "invalid_grant")
        assert "Ensure a valid federation policy" in answer["error_description"]


def unsigned(token):
    """The same claims with the algorithm that signs nothing."""
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    return f"{head}.{token.split('.')[1]}."


def changed(token, **claims):
    """Other claims below the same signature."""
    head, body, signature = token.split(".")
    told = {**json.loads(base64.urlsafe_b64decode(body + "==")), **claims}
    return f"{head}.{base64.urlsafe_b64encode(json.dumps(told).encode()).rstrip(b'=').decode()}.{signature}"


@pytest.mark.parametrize(
    "bad",
    [
        unsigned,
        lambda token: changed(token, exp=9_999_999_999),
        lambda token: token[:-8] + "AAAAAAAA",
        lambda token: token.rpartition(".")[0],
        lambda _token: "dapi123",
        lambda _token: "a.b.c",
        lambda _token: "é.é.é",
    ],
)
def test_what_no_issuer_has_signed_is_refused(rehearsal, call, id_token, bad):
    """Unsigned, changed afterwards, or no token at all."""
    status, answer = exchange(call, bad(id_token()), client_id=rehearsal.client_id)

    assert (status, answer["error"]) == (400, "invalid_grant")
    assert "TOKEN_INVALID" in answer["error_description"]


@pytest.mark.parametrize("name", ["assume_group", "authorization_details", "scope"])
def test_what_would_have_no_effect_is_refused(rehearsal, call, id_token, name):
    """A token of less worth can't be had here."""
    status, answer = exchange(call, id_token(), client_id=rehearsal.client_id, **{name: "sql"})

    assert (status, answer["error"]) == (501, "not_implemented")
    assert name in answer["error_description"]


def test_an_id_token_is_over_on_the_workspaces_clock(rehearsal, call, id_token):
    """After five minutes, as GitHub's."""
    token = id_token()

    call("POST", "/rehearsal/clock", rehearsal.token, json={"advance_s": 301})

    assert "TOKEN_EXPIRED" in exchange(call, token, client_id=rehearsal.client_id)[1]["error_description"]


def test_an_id_token_is_no_token_of_the_workspace(call, id_token):
    """It has to be exchanged."""
    assert call("GET", "/api/2.0/preview/scim/v2/Me", id_token()).status_code == 403


def test_an_issuer_knows_its_jobs_alone(rehearsal, call, variables):
    """Neither the workspace's token nor another kind of job gets an ID token, and a job none of another's."""
    github, azure = variables("github"), variables("azure-devops")
    url = github["ACTIONS_ID_TOKEN_REQUEST_URL"]
    others = variables("azure-devops")["SYSTEM_JOBID"]
    at = f"{azure['SYSTEM_TEAMFOUNDATIONCOLLECTIONURI']}{azure['SYSTEM_TEAMPROJECTID']}/_apis/distributedtask/hubs/build"
    theirs = f"{at}/plans/{others}/jobs/{others}/oidctoken?api-version=7.2-preview.1"

    assert [call("GET", url, token).status_code for token in ("", rehearsal.token, azure["SYSTEM_ACCESSTOKEN"])] == [401] * 3
    assert call("POST", theirs, azure["SYSTEM_ACCESSTOKEN"]).status_code == 404
    assert call("POST", "/rehearsal/pipelines", json={"kind": "github"}).status_code == 401


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"kind": "gitlab"}, "there are no pipelines of 'gitlab'; there are those of github, azure-devops"),
        ({"kind": ["github"]}, "there are no pipelines of"),
        ({"kind": "github", "repo": "x"}, "a pipeline's job has no 'repo'; it has kind, issuer"),
        ({"kind": "github", "subject": 1}, "issuer, subject and audience of a pipeline's job are texts"),
        ({"kind": "github", "lifetime_s": "1"}, "lifetime_s of a pipeline's job is a number"),
    ],
)
def test_a_job_that_cant_be_is_refused(rehearsal, call, given, told):
    """When it is asked for."""
    answer = call("POST", "/rehearsal/pipelines", rehearsal.token, json=given)

    assert answer.status_code == 400
    assert told in answer.json()["message"]


def test_the_harness_says_that_a_policy_is_wanted(rehearsal, sign_in):
    """Its mend is of the service principal, not of this machine's sign-in; the token isn't shown."""
    sign_in("azure-devops-oidc", subject="p://rehearsal/project/other")

    with pytest.raises(SignInError, match="NBH331") as caught:
        connect(rehearsal.host)

    assert "TOKEN_INVALID" in caught.value.cause
    assert "federation policy of the service principal" in caught.value.mend
    assert "databricks auth login" not in caught.value.mend
    assert "eyJ" not in str(caught.value)
