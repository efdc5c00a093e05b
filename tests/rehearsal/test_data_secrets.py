"""Secrets by Databricks' SDK."""

from __future__ import annotations

import base64

import pytest
from data_fixtures import client, rehearsal
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.errors import DatabricksError, NotFound, PermissionDenied
from databricks.sdk.service.workspace import AclPermission

__all__ = ["client", "rehearsal"]


@pytest.fixture
def scope(client):
    """A scope of this test's own."""
    client.secrets.create_scope("team")
    yield "team"
    client.secrets.delete_scope("team")


@pytest.fixture
def other(client, rehearsal):
    """The service principal's client."""
    given = {"client_id": rehearsal.client_id, "client_secret": rehearsal.client_secret, "retry_timeout_seconds": 5}
    return WorkspaceClient(config=Config(host=rehearsal.host, **given))


def test_a_secrets_life(client, scope):
    """Put as text or bytes, listed without its value, given in base64, removed."""
    client.secrets.put_secret(scope, "password", string_value="hunter2 ü")
    client.secrets.put_secret(scope, "key", bytes_value=base64.b64encode(b"\x00\xff").decode())

    assert [one.key for one in client.secrets.list_secrets(scope)] == ["key", "password"]
    assert base64.b64decode(client.secrets.get_secret(scope, "password").value).decode() == "hunter2 ü"
    assert client.dbutils.secrets.get(scope, "password") == "hunter2 ü"
    assert client.dbutils.secrets.getBytes(scope, "key") == b"\x00\xff"
    client.secrets.delete_secret(scope, "password")
    with pytest.raises(NotFound, match="Secret does not exist with scope: team and key: password"):
        client.secrets.get_secret(scope, "password")


def test_scopes(client, scope):
    """Named once, listed, and gone with what was in them."""
    with pytest.raises(DatabricksError) as caught:
        client.secrets.create_scope(scope)

    assert caught.value.error_code == "RESOURCE_ALREADY_EXISTS"
    assert scope in [one.name for one in client.secrets.list_scopes()]
    with pytest.raises(NotFound, match="Scope nope does not exist!"):
        list(client.secrets.list_secrets("nope"))


def test_who_may_see_them(client, scope, other):
    """Another one sees nothing, then what the list of permissions gives."""
    client.secrets.put_secret(scope, "k", string_value="v")
    with pytest.raises(PermissionDenied, match="READ permission on scope team"):
        other.secrets.get_secret(scope, "k")

    client.secrets.put_acl(scope, other.current_user.me().user_name, AclPermission.READ)

    assert base64.b64decode(other.secrets.get_secret(scope, "k").value) == b"v"
    with pytest.raises(PermissionDenied):
        other.secrets.put_secret(scope, "k", string_value="w")
    assert {one.permission.value for one in client.secrets.list_acls(scope)} == {"READ", "MANAGE"}


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("with space", "v", "INVALID_PARAMETER_VALUE"),
        ("large", "v" * (128 * 1024 + 1), "INVALID_PARAMETER_VALUE"),
    ],
)
def test_refused_secrets(client, scope, key, value, code):
    """Names and sizes that Databricks doesn't take."""
    with pytest.raises(DatabricksError) as caught:
        client.secrets.put_secret(scope, key, string_value=value)

    assert caught.value.error_code == code
