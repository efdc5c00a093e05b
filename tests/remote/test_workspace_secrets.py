"""The secrets of a workspace, in units that a test calls: read as there, behind the test's own, and told by nobody."""

from __future__ import annotations

import base64

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.service.workspace import AclPermission
from own_rehearsal import rehearsal
from workspaces import FakeWorkspace, lost

from harness.errors import SecretNotFoundError
from harness.execute.host import Host, Place
from harness.remote.client import connect
from harness.remote.errors import AnswerError, NotAllowedError, UnreachableError
from harness.remote.scopes import WorkspaceSecrets
from harness.runtime.redact import MARK
from harness.runtime.secrets import Secrets, SecretStore
from harness.runtime.surroundings import Surroundings
from harness.settings import Settings

__all__ = ["rehearsal"]


@pytest.fixture
def ws():
    """A workspace with a scope that tests have a part of, too."""
    workspace = FakeWorkspace()
    workspace.secrets_made = {"app": {"token": b"theirs", "only": "ü".encode(), "key": b"\x00\xff"}, "theirs": {}}
    return workspace


@pytest.fixture
def store(ws):
    """What a notebook sees: the test's own, a variable, a setting, and the workspace's."""
    own, named, env = {"app": {"token": "own"}}, {"db": {"password": "DB_PASSWORD"}}, {"NBH_SECRET_APP_SET": "by variable"}
    return SecretStore(own, named, env, beyond=WorkspaceSecrets(ws))


def test_the_tests_own_win(store, ws):
    """The workspace isn't asked for what a test or a variable gives."""
    assert (store.get("app", "token"), store.get("app", "set")) == ("own", "by variable")
    assert ws.count("secret") == 0
    assert (store.get("app", "only"), store.get_bytes("app", "key")) == ("ü", b"\x00\xff")


def test_a_secret_that_is_no_text_is_read_as_java_does(store):
    """What is no UTF-8 is replaced."""
    assert store.get("app", "key") == "\x00\ufffd"


def test_names_are_those_of_both(store):
    """Of the test, the settings and the workspace."""
    assert store.scopes() == ["app", "db", "theirs"]
    assert (store.keys("app"), store.keys("theirs"), store.keys("db")) == (["key", "only", "token"], [], ["password"])


def test_one_that_nobody_has_is_told_with_where_it_was_looked_for(store):
    """Databricks' own words are in it."""
    with pytest.raises(SecretNotFoundError) as caught:
        store.get("app", "tokne")

    assert str(caught.value) == (
        'NBH355 there is no secret "tokne" in the scope "app"\n'
        "  cause: java.lang.IllegalArgumentException: Secret does not exist with scope: app and key: tokne\n"
        "         not in https://pps.example.com either; known by name here: app: token; db: password\n"
        '  mend:  did you mean "token"? if not, set the variable NBH_SECRET_APP_TOKNE, or give it in the test: '
        '@pytest.mark.nbh_secrets({"app": {"tokne": …}})\n'
        "  more:  docs/errors.md#nbh355"
    )


def test_a_scope_that_nobody_has_is_told(store):
    """With the near miss, of the workspace's too."""
    with pytest.raises(SecretNotFoundError, match='did you mean "theirs"') as caught:
        store.keys("their")

    assert "RESOURCE_DOES_NOT_EXIST: Scope their does not exist!" in str(caught.value)
    assert "not in https://pps.example.com either" in str(caught.value)


@pytest.mark.parametrize(
    "look", [lambda store: store.get("app", "x"), lambda store: store.keys("app"), lambda store: store.scopes()]
)
def test_a_workspace_that_does_not_answer_is_no_missing_secret(store, ws, look):
    """It may be there."""

    def before(*_):
        raise lost()

    ws.before = before
    with pytest.raises(UnreachableError):
        look(store)


@pytest.mark.parametrize("value", [None, 57, "no base64!", "hunter2"])
def test_an_answer_without_a_value_is_an_error_that_shows_none(ws, value):
    """It may be the secret itself."""
    secrets = WorkspaceSecrets(ws)
    ws.secret = lambda *_: {"key": "k", "value": value}

    with pytest.raises(AnswerError, match="can't be read") as caught:
        secrets.get("app", "k")

    assert value is None or str(value) not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_was_read_is_hidden_in_each_form(ws, tmp_path):
    """As a text, as Python shows its bytes, and as it travels."""
    around = Surroundings(beyond=lambda: WorkspaceSecrets(ws))
    ws.secrets_made["app"]["pair"] = b"hunter2hunter2"
    place, settings = Place(str(tmp_path / "n.py"), "n"), Settings(str(tmp_path))
    host = Host(around, place=lambda: place, settings=lambda: settings, run=None, root=str(tmp_path))
    secrets = Secrets(host.answer)

    assert secrets.get("app", "pair") == "hunter2hunter2"
    assert secrets.getBytes("app", "key") == b"\x00\xff"
    shown = f"hunter2hunter2 {base64.b64encode(b'hunter2hunter2').decode()} {b'hunter2hunter2'!r} {b'a' + bytes([0, 255])!r}"
    assert around.redactor.text(shown) == f"{MARK} {MARK} b'{MARK}' b'a{MARK}'"


# -- by the SDK ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def scope(rehearsal, monkeypatch):
    """A scope of the workspace with a secret, and its client."""
    monkeypatch.setenv("DATABRICKS_TOKEN", rehearsal.token)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(rehearsal.ca))
    workspace = connect(rehearsal.host)
    workspace.client.secrets.create_scope("team")
    workspace.client.secrets.put_secret("team", "password", string_value="hunter2 ü")
    yield workspace
    workspace.client.secrets.delete_scope("team")


def test_secrets_of_a_workspace_are_read(scope):
    """Over the wire."""
    secrets = WorkspaceSecrets(scope)

    assert secrets.get("team", "password") == "hunter2 ü".encode()
    assert (secrets.get("team", "none"), secrets.get("none", "none")) == (None, None)
    assert (secrets.keys("team"), secrets.keys("none"), secrets.scopes()) == (["password"], None, ["team"])


def test_a_scope_that_may_not_be_read_is_told_as_there(scope, rehearsal, monkeypatch):
    """Who lacks READ sees that, and not that there is nothing."""
    monkeypatch.delenv("DATABRICKS_TOKEN")
    given = {"client_id": rehearsal.client_id, "client_secret": rehearsal.client_secret, "retry_timeout_seconds": 5}
    other = WorkspaceSecrets(type(scope)(WorkspaceClient(config=Config(host=rehearsal.host, **given)), scope.mask))

    for look in (lambda: other.get("team", "password"), lambda: other.keys("team")):
        with pytest.raises(NotAllowedError, match="does not have READ permission on scope team") as caught:
            look()
        assert "com.databricks.common.client.DatabricksServiceHttpClientException: PERMISSION_DENIED: " in caught.value.cause
        assert 'READ on the scope "team"' in caught.value.mend
    scope.client.secrets.put_acl("team", rehearsal.client_id, AclPermission.READ)

    assert other.get("team", "password") == "hunter2 ü".encode()
