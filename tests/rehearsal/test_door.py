"""Who may come in, what is known, and what a bad day is like: by the SDK, over TLS."""

from __future__ import annotations

import json
import time

import pytest
import requests
from data_fixtures import client, rehearsal
from databricks.sdk import WorkspaceClient, errors
from databricks.sdk.core import Config, DatabricksError
from databricks.sdk.errors import InternalError, PermissionDenied, Unauthenticated

__all__ = ["client", "rehearsal"]


@pytest.fixture
def call(client, rehearsal):
    """Make one plain call with the user's token."""

    def make(method, path, token=rehearsal.token, **more):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.request(method, rehearsal.host + path, headers=headers, verify=str(rehearsal.ca), timeout=20, **more)

    return make


@pytest.fixture
def fault(call):
    """Ask for faults; they are gone after the test."""
    yield lambda **fault: call("POST", "/rehearsal/faults", json=fault).raise_for_status()
    call("DELETE", "/rehearsal/faults")


def signed_in(rehearsal):
    """A client that signs in as the service principal."""
    return WorkspaceClient(
        config=Config(
            host=rehearsal.host,
            client_id=rehearsal.client_id,
            client_secret=rehearsal.client_secret,
            auth_type="oauth-m2m",
            retry_timeout_seconds=5,
        )
    )


def test_the_user_is_known(client):
    """By the token in the record."""
    assert client.current_user.me().user_name == "rehearsal@example.com"


def test_a_rehearsal_can_be_told_from_a_workspace(client):
    """By its workspace's id, in every answer."""
    assert str(client.get_workspace_id()).startswith("9000")


def test_no_token_and_a_wrong_one_are_refused(call, rehearsal, client):
    """As Databricks does: 401 without one, 403 with one that isn't any."""
    path = "/api/2.0/preview/scim/v2/Me"

    assert call("GET", path, token="").status_code == 401
    assert call("GET", path, token="dapi123").json() == {"error_code": "403", "message": "Invalid access token."}
    with pytest.raises(PermissionDenied, match="Invalid access token"):
        WorkspaceClient(config=Config(host=rehearsal.host, token="x", retry_timeout_seconds=5)).current_user.me()


def test_control_needs_the_token_too(call):
    """Nobody else drives the clock."""
    assert call("POST", "/rehearsal/clock", token="", json={"advance_s": 1}).status_code == 401


def test_the_service_principal_signs_in(rehearsal, client):
    """By OAuth, with an id and a secret."""
    me = signed_in(rehearsal).current_user.me()

    assert me.user_name == rehearsal.client_id


def test_a_wrong_secret_is_refused(rehearsal, client):
    """And the error names no secret."""
    config = {"client_id": rehearsal.client_id, "client_secret": "no", "auth_type": "oauth-m2m", "retry_timeout_seconds": 5}

    with pytest.raises(Exception, match="invalid_client") as caught:
        WorkspaceClient(config=Config(host=rehearsal.host, **config)).current_user.me()

    assert rehearsal.client_secret not in str(caught.value)


def test_a_token_of_a_sign_in_ends_on_the_workspaces_clock(call, rehearsal):
    """After an hour, told as Databricks does."""
    form = {"grant_type": "client_credentials", "scope": "all-apis"}
    basic = (rehearsal.client_id, rehearsal.client_secret)
    token = call("POST", "/oidc/v1/token", token="", data=form, auth=basic).json()["access_token"]
    path = "/api/2.0/preview/scim/v2/Me"
    assert call("GET", path, token=token).status_code == 200

    call("POST", "/rehearsal/clock", json={"advance_s": 3601})

    assert call("GET", path, token=token).json() == {"error_code": "403", "message": "JWT has expired"}


def test_an_unknown_call_names_the_nearest(client):
    """Never a quiet success."""
    with pytest.raises(errors.NotImplemented, match=r"GET /api/2\.1/clusters/lisst.*GET /api/2\.1/clusters/list"):
        client.api_client.do("GET", "/api/2.1/clusters/lisst")
    with pytest.raises(errors.NotImplemented, match=r"POST /api/2\.0/preview/scim/v2/Me"):
        client.api_client.do("POST", "/api/2.0/preview/scim/v2/Me")


def test_a_broken_body_is_refused(call):
    """As malformed, and not as a fault of the server."""
    answer = call("POST", "/api/2.2/jobs/runs/submit", data=b"{no json")

    assert (answer.status_code, answer.json()["error_code"]) == (400, "MALFORMED_REQUEST")


def test_429_says_when_to_come_back(call, fault):
    """Once, and for calls of that path alone."""
    fault(kind="too_many_requests", path="*/clusters/list", seconds=3)

    refused = call("GET", "/api/2.1/clusters/list")

    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3")
    assert call("GET", "/api/2.1/clusters/list").status_code == 200


def test_the_sdk_comes_back_after_503(client, fault):
    """Its own retries are met as a workspace meets them."""
    fault(kind="unavailable", path="*/clusters/spark-versions")

    assert client.clusters.spark_versions().versions


def test_500_is_no_reason_to_come_back(client, fault):
    """The SDK raises it."""
    fault(kind="internal_error", path="*/scim/v2/Me")

    with pytest.raises(InternalError):
        client.current_user.me()


def test_a_reset_connection_has_no_answer_and_no_effect(call, fault):
    """The folder isn't made."""
    fault(kind="reset", path="*/mkdirs")

    with pytest.raises(requests.ConnectionError):
        call("POST", "/api/2.0/workspace/mkdirs", json={"path": "/Shared/reset"})

    assert call("GET", "/api/2.0/workspace/get-status?path=/Shared/reset").status_code == 404


def test_a_lost_answer_comes_after_the_work(call, fault):
    """The folder is made, and nobody is told."""
    fault(kind="lost_answer", path="*/mkdirs")

    with pytest.raises(requests.ConnectionError):
        call("POST", "/api/2.0/workspace/mkdirs", json={"path": "/Shared/lost"})

    assert call("GET", "/api/2.0/workspace/get-status?path=/Shared/lost").status_code == 200


def test_a_slow_answer_comes_late(call, fault):
    """By the seconds that were asked for."""
    fault(kind="slow", path="*/Me", seconds=0.4)
    begun = time.monotonic()

    call("GET", "/api/2.0/preview/scim/v2/Me").raise_for_status()

    assert time.monotonic() - begun >= 0.4


def test_a_fault_waits_for_its_call(call, fault):
    """It lets two pass and meets two."""
    fault(kind="unavailable", path="*/Me", after=2, times=2)

    codes = [call("GET", "/api/2.0/preview/scim/v2/Me").status_code for _ in range(5)]

    assert codes == [200, 200, 503, 503, 200]


def test_tokens_of_sign_ins_can_end_in_mid_run(rehearsal, client, fault):
    """The SDK's client has one that the workspace doesn't take any more."""
    signed = signed_in(rehearsal)
    signed.current_user.me()
    fault(kind="token_expired", path="*/clusters/spark-versions")

    with pytest.raises((PermissionDenied, Unauthenticated)):
        signed.clusters.spark_versions()


def test_the_users_own_token_ends_too(client, call, fault):
    """Until the faults are taken back, which it still can do; nobody has another to go on with."""
    fault(kind="token_expired", path="*/clusters/spark-versions")

    for _ in range(2):
        with pytest.raises(PermissionDenied, match=r"Invalid access token\."):
            client.clusters.spark_versions()
    assert call("GET", "/rehearsal/clock").status_code == 200
    assert call("DELETE", "/rehearsal/faults").status_code == 200

    assert client.clusters.spark_versions().versions


def test_an_unknown_fault_is_refused(call):
    """With the names of those that there are."""
    answer = call("POST", "/rehearsal/faults", json={"kind": "earthquake"})

    assert answer.status_code == 400
    assert "lost_answer" in answer.json()["message"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"kind": ["slow"]}, "there is no fault"),
        ({"path": 5}, "path of a fault is a pattern, as */runs/submit, and 5 was given"),
        ({"path": ""}, "path of a fault is a pattern"),
        ({"path": None}, "path of a fault is a pattern"),
        ({"method": "post"}, "method of a fault is one of *, GET"),
        ({"method": ["GET"]}, "method of a fault is one of *, GET"),
        ({"after": -1}, "after of a fault is a whole number from 0 on, and -1 was given"),
        ({"times": "x"}, "times of a fault is a whole number from 1 on, and 'x' was given"),
        ({"times": True}, "times of a fault is a whole number from 1 on"),
        ({"times": 0}, "times of a fault is a whole number from 1 on"),
        ({"seconds": "1"}, "seconds of a fault is a number from 0 to 604800, and '1' was given"),
        ({"seconds": float("inf")}, "seconds of a fault is a number from 0"),
        ({"seconds": float("nan")}, "seconds of a fault is a number from 0"),
        ({"seconds": -0.5}, "seconds of a fault is a number from 0"),
    ],
)
def test_a_fault_with_a_wrong_value_is_refused(call, fault, wrong, told):
    """When it is asked for, and not by a failure of each call that it would meet; the calls go on."""
    answer = call("POST", "/rehearsal/faults", data=json.dumps({"kind": "slow", **wrong}))

    assert answer.status_code == 400
    assert answer.json()["error_code"] == "INVALID_PARAMETER_VALUE"
    assert told in answer.json()["message"]
    assert call("GET", "/rehearsal/faults").json() == {"faults": []}


def test_half_of_an_upload_may_be_kept(client, call, fault):
    """The connection is gone, and half of the file is there."""
    fault(kind="half_written", path="/Shared/half.txt")
    body = {"path": "/Shared/half.txt", "format": "RAW", "content": "YWJjZGVmZ2g="}
    with pytest.raises(requests.ConnectionError):
        call("POST", "/api/2.0/workspace/import", json=body)

    with client.workspace.download("/Shared/half.txt") as file:
        assert file.read() == b"abcd"


def test_calls_are_counted_by_route(call):
    """Control's own are not."""
    call("DELETE", "/rehearsal/calls")
    for _ in range(3):
        call("GET", "/api/2.1/clusters/get?cluster_id=nope")

    counted = call("GET", "/rehearsal/calls").json()

    assert counted == {"calls": {"GET /api/2.1/clusters/get": 3}, "total": 3, "cluster_starts": 0}


def test_limits_are_kept_on_the_clock(call):
    """Two a second: the third has to wait, and a second later there is room again."""
    call("POST", "/rehearsal/clock", json={"speed": 0})
    call("POST", "/rehearsal/limits", json={"path": "*/clusters/list", "per_s": 2})
    path = "/api/2.1/clusters/list"
    codes = [call("GET", path).status_code for _ in range(3)]

    call("POST", "/rehearsal/clock", json={"advance_s": 1, "speed": 1})

    assert codes == [200, 200, 429]
    assert call("GET", path).status_code == 200
    call("DELETE", "/rehearsal/limits")


def test_a_plain_http_client_gets_nothing(rehearsal):
    """The port speaks TLS alone."""
    with pytest.raises(requests.RequestException):
        requests.get(rehearsal.host.replace("https", "http"), timeout=5)


def test_another_authority_is_not_trusted(rehearsal, monkeypatch):
    """A client that doesn't have the rehearsal's certificate refuses it."""
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)

    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{rehearsal.host}/.well-known/databricks-config", timeout=5)


def test_errors_have_databricks_shape(client):
    """The SDK finds code and message."""
    with pytest.raises(DatabricksError) as caught:
        client.workspace.get_status("/Shared/nothing")

    assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    assert "Path (/Shared/nothing) doesn't exist." in str(caught.value)
