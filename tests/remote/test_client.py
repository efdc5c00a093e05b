from __future__ import annotations

import logging
import socket
import time
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from databricks.sdk.clock import RealClock

from harness.remote.client import connect
from harness.remote.errors import (
    AnswerError,
    CertificateError,
    MissingError,
    NotAllowedError,
    RateLimitError,
    SignInError,
    UnreachableError,
    WorkspaceFaultError,
)
from harness.remote.secrets import Masker

TOKEN = "dapi0123456789abcdef0123456789abcdef"
ME = "/api/2.0/preview/scim/v2/Me"


@pytest.fixture
def workspace(server, monkeypatch):
    """A signed-in client of the test's own server, which soon gives up."""
    monkeypatch.setenv("DATABRICKS_TOKEN", TOKEN)
    return connect(server.host, retry_s=2)


@pytest.fixture
def patient(server, monkeypatch):
    """One that doesn't, however busy the machine is."""
    monkeypatch.setenv("DATABRICKS_TOKEN", TOKEN)
    return connect(server.host, retry_s=60)


def test_signing_in_takes_what_the_sdk_finds(server, workspace):
    """The token comes from where the SDK looks, and goes along with each call."""
    assert workspace.me().name == "me@example.com"
    assert workspace.me().groups == ("team",)
    assert server.seen[-1].headers["Authorization"] == f"Bearer {TOKEN}"
    assert "databricks-notebook-harness" in server.seen[-1].headers["User-Agent"]


def test_a_profile_gives_host_and_sign_in(server, tmp_path):
    """As the SDK reads it."""
    (tmp_path / "databrickscfg").write_text(f"[pps]\nhost = {server.host}\ntoken = {TOKEN}\n")

    assert connect(profile="pps").host == server.host


def test_a_profile_signs_in_to_the_host_that_is_given_too(server, tmp_path):
    """So a bundle names both; one of another workspace is refused before anything is sent."""
    other = "[other]\nhost = https://ppd.example.com\ntoken = x\n"
    (tmp_path / "databrickscfg").write_text(f"[DEFAULT]\nhost = https://x\n[pps]\ntoken = {TOKEN}\n{other}")

    assert connect(server.host, "pps").me().name == "me@example.com"
    seen = len(server.seen)
    with pytest.raises(SignInError, match="'other' is of another workspace"):
        connect(server.host, "other")

    assert all("Authorization" not in one.headers for one in server.seen[seen:])


def test_an_unknown_profile_is_told(tmp_path):
    """With what the SDK says of it, and without its settings."""
    (tmp_path / "databrickscfg").write_text("[pps]\nhost = https://x\n")

    with pytest.raises(SignInError, match="NBH331") as caught:
        connect(profile="psp")
    assert "psp" in str(caught.value)
    assert "http_timeout_seconds" not in str(caught.value)


def test_no_sign_in_at_all_is_told(server):
    """Within seconds."""
    started = time.perf_counter()
    with pytest.raises(SignInError, match=r"default auth|credentials"):
        connect(server.host)
    assert time.perf_counter() - started < 8


@pytest.mark.parametrize("host", ["https://no-such-host.invalid", "https://127.0.0.1:9"])
def test_an_unreachable_host_is_one_error_in_seconds(monkeypatch, host):
    """Neither an unknown name nor a closed port is tried for minutes."""
    monkeypatch.setenv("DATABRICKS_TOKEN", TOKEN)
    started = time.perf_counter()

    with pytest.raises(UnreachableError, match="NBH330") as caught:
        connect(host)

    assert time.perf_counter() - started < 8
    assert "correct host" in caught.value.mend


def test_a_host_that_never_answers_is_told_in_seconds(monkeypatch):
    """It takes the connection and says nothing."""
    monkeypatch.setenv("DATABRICKS_TOKEN", TOKEN)
    monkeypatch.setattr("harness.remote.client.PROBE_S", 0.5)
    silent = socket.create_server(("127.0.0.1", 0))
    with silent, pytest.raises(UnreachableError, match="VPN, proxy, firewall"):
        connect(f"http://127.0.0.1:{silent.getsockname()[1]}")


def test_a_certificate_that_is_not_trusted_is_told(monkeypatch):
    """With the variables that name one's own."""
    import ssl
    import threading

    import trustme

    monkeypatch.setenv("DATABRICKS_TOKEN", TOKEN)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            connection, _ = listener.accept()
            with connection:
                try:
                    context.wrap_socket(connection, server_side=True)
                except (ssl.SSLError, OSError):
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(CertificateError, match=r"NBH333(.|\n)*REQUESTS_CA_BUNDLE"):
            connect(f"https://127.0.0.1:{listener.getsockname()[1]}")
        thread.join()


def test_no_sign_in_goes_over_an_open_line(monkeypatch):
    """But for this machine's own addresses."""
    monkeypatch.setenv("DATABRICKS_TOKEN", TOKEN)

    with pytest.raises(CertificateError, match="anybody on the way could read the sign-in"):
        connect("http://pps.example.com")


def test_an_expired_sign_in_is_told(server, monkeypatch):
    """401, and 403 with Databricks' words for a bad token."""
    monkeypatch.setenv("DATABRICKS_TOKEN", TOKEN)
    for status, message in [(401, "The access token expired"), (403, "Invalid access token."), (403, "JWT has expired")]:
        server.answers[ME] = [(status, {"error_code": "X", "message": message}, {})]
        with pytest.raises(SignInError, match="sign in again"):
            connect(server.host)


@pytest.fixture
def tokens(server, monkeypatch):
    """Sign in by OAuth; gives how to say what the endpoint that gives tokens answers."""
    for name, value in {"CLIENT_ID": "one", "CLIENT_SECRET": "dose0123456789", "AUTH_TYPE": "oauth-m2m"}.items():
        monkeypatch.setenv(f"DATABRICKS_{name}", value)
    monkeypatch.setattr(RealClock, "sleep", lambda _, seconds: time.sleep(seconds / 20))
    at = {"token_endpoint": f"{server.host}/oidc/v1/token", "authorization_endpoint": f"{server.host}/oidc/v1/authorize"}
    server.answers["/oidc/.well-known/oauth-authorization-server"] = [(200, at, {})]
    server.answers["/.well-known/databricks-config"] = [(200, {"oidc_endpoint": f"{server.host}/oidc"}, {})]
    return lambda *answers: server.answers.update({"/oidc/v1/token": list(answers)})


BUSY = {"error_code": "TEMPORARILY_UNAVAILABLE", "message": "later"}


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_token_is_asked_for_again(server, tokens, status):
    """Where the endpoint that gives tokens fails by itself: the SDK asks it once."""
    given = {"access_token": "x" * 20, "token_type": "Bearer", "expires_in": 3600}
    tokens((status, BUSY, {}), (200, given, {}))

    assert connect(server.host).me().name == "me@example.com"


def test_an_endpoint_that_gives_no_token_is_told(server, tokens):
    """As a fault of the workspace, and not as a sign-in that isn't taken."""
    tokens((503, BUSY, {}))

    with pytest.raises(WorkspaceFaultError, match="gave no token"):
        connect(server.host)


@pytest.mark.parametrize(("status", "error"), [(401, "invalid_client"), (400, "invalid_grant"), (400, "interaction_required")])
def test_a_refused_sign_in_is_asked_for_once(server, tokens, status, error):
    """It stays refused."""
    tokens((status, {"error": error, "error_description": "Client authentication failed"}, {}))

    with pytest.raises(SignInError, match=error):
        connect(server.host)
    assert [one.path for one in server.seen].count("/oidc/v1/token") == 1


def test_a_wrong_clock_is_told(server, monkeypatch):
    """Where the sign-in isn't taken and the workspace's time is another."""
    monkeypatch.setenv("DATABRICKS_TOKEN", TOKEN)
    ahead = format_datetime(datetime.now(UTC) + timedelta(minutes=21), usegmt=True)
    monkeypatch.setattr("http.server.BaseHTTPRequestHandler.date_time_string", lambda *_: ahead)
    server.answers[ME] = [(401, {"error_code": "X", "message": "expired"}, {})]

    with pytest.raises(SignInError, match=r"this machine's clock is 2[012] minutes behind the workspace's"):
        connect(server.host)


@pytest.mark.parametrize(
    ("status", "body", "kind", "text"),
    [
        (403, {"error_code": "PERMISSION_DENIED", "message": "you may not"}, NotAllowedError, "NBH332"),
        (404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no run"}, MissingError, "NBH336"),
        (400, {"error_code": "INVALID_PARAMETER_VALUE", "message": "Run 5 does not exist."}, MissingError, "NBH336"),
        (400, {"error_code": "INVALID_PARAMETER_VALUE", "message": "no such field"}, AnswerError, "no such field"),
        (500, {"error_code": "INTERNAL_ERROR", "message": "oops"}, AnswerError, "run it again"),
        (501, {"error_code": "NOT_IMPLEMENTED", "message": "nearest: x"}, AnswerError, "nearest: x"),
        (429, {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "slow down"}, RateLimitError, "NBH334"),
        (503, {"error_code": "TEMPORARILY_UNAVAILABLE", "message": "later"}, UnreachableError, "NBH330"),
        (0, {}, UnreachableError, "NBH330"),
    ],
)
def test_the_workspaces_errors_are_told_in_ours(server, workspace, status, body, *, kind, text):
    """Each as what it is."""
    server.answers["/api/2.2/jobs/runs/get-output"] = [(status, body, {"Retry-After": "1"})]

    with pytest.raises(kind, match=text):
        workspace.output(5)


def test_the_sdk_waits_as_long_as_it_is_told_to(server, patient):
    """429 with Retry-After is tried again by the SDK itself."""
    server.answers["/api/2.2/jobs/runs/get"] = [
        (429, {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "slow down"}, {"Retry-After": "1"}),
        (200, {"run_id": 7}, {}),
    ]

    assert patient.run(7) == {"run_id": 7}


def test_the_body_goes_as_it_is(server, workspace):
    """Keys that the SDK's classes don't know arrive, too."""
    server.answers["/api/2.1/clusters/create"] = [(200, {"cluster_id": "c1"}, {})]

    assert workspace.create_cluster({"spark_version": "17.3.x", "brand_new_key": {"a": 1}}) == "c1"
    assert b'"brand_new_key": {"a": 1}' in server.seen[-1].body


def test_clusters_of_jobs_are_not_asked_for(server, workspace):
    """A workspace has thousands of them from the last weeks, and none is ours."""
    server.answers["/api/2.1/clusters/list"] = [(200, {"clusters": [{"cluster_id": "c1", "cluster_name": "nbh-x"}]}, {})]

    assert [one["cluster_id"] for one in workspace.clusters()] == ["c1"]
    assert "filter_by.cluster_sources=API" in server.seen[-1].query


def test_runs_come_by_pages(server, workspace):
    """One call a page, so that the poller can count them."""
    server.answers["/api/2.2/jobs/runs/list"] = [
        (200, {"runs": [{"run_id": 2}], "next_page_token": "more"}, {}),
        (200, {}, {}),
    ]

    assert workspace.runs_page(since_ms=5) == ([{"run_id": 2}], "more")
    assert workspace.runs_page(since_ms=5, page_token="more", active_only=True) == ([], "")
    assert "page_token=more" in server.seen[-1].query
    assert "active_only=true" in server.seen[-1].query


def test_no_token_is_in_any_text(server, workspace, caplog):
    """Not even where the workspace says it back."""
    server.answers["/api/2.2/jobs/runs/get"] = [
        (400, {"error_code": "X", "message": f"bad header Bearer {TOKEN} or {TOKEN}"}, {}),
    ]
    caplog.set_level(logging.DEBUG)

    with pytest.raises(AnswerError) as caught:
        workspace.run(1)

    whole = "".join(traceback.format_exception(caught.value))
    assert "***" in str(caught.value)
    assert TOKEN not in whole
    assert "While handling" not in whole


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Bearer abc.def-123", "Bearer ***"),
        ("eyJhbGciOiJIUzI1.eyJzdWIi.sig is bad", "*** is bad"),
        ("https://me:pass@host/x", "https://***@host/x"),
        ("my own secret", "my own ***"),
        ("cluster 0101-000000-pps", "cluster 0101-000000-pps"),
    ],
)
def test_tokens_are_known_by_their_shape_and_value(text, shown):
    """And short or plain values stay."""
    assert Masker(["secret", "x", None])(text) == shown
