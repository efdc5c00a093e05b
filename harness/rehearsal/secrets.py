"""Secrets: scopes, what is in them and who may see it. They are kept in memory alone, and end with the workspace."""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.rehearsal.answers import ApiError, invalid, not_found, route
from harness.rehearsal.runner import SECRETS
from harness.rehearsal.workspace import caller_of

if TYPE_CHECKING:
    from starlette.routing import Route

    from harness.rehearsal.answers import Call
    from harness.rehearsal.workspace import Workspace

API = "/api/2.0/secrets"

MOST_SCOPES, MOST_SECRETS, LARGEST = 1000, 1000, 128 * 1024
PERMISSIONS = ("READ", "WRITE", "MANAGE")

_NAME = re.compile(r"[A-Za-z0-9_@.\-]{1,128}")


@dataclass(slots=True)
class _Secret:
    value: bytes
    at_ms: int


@dataclass(slots=True)
class _Scope:
    acls: dict[str, str]
    secrets: dict[str, _Secret] = field(default_factory=dict)


def routes(workspace: Workspace) -> list[Route]:
    """The calls of this subject."""
    secrets = _Secrets(workspace)
    workspace.shared[SECRETS] = secrets.all
    return [
        route("POST", f"{API}/scopes/create", secrets.create_scope),
        route("POST", f"{API}/scopes/delete", secrets.delete_scope),
        route("GET", f"{API}/scopes/list", secrets.scopes),
        route("POST", f"{API}/put", secrets.put),
        route("POST", f"{API}/delete", secrets.delete),
        route("GET", f"{API}/list", secrets.listed),
        route("GET", f"{API}/get", secrets.get),
        route("POST", f"{API}/acls/put", secrets.put_acl),
        route("POST", f"{API}/acls/delete", secrets.delete_acl),
        route("GET", f"{API}/acls/get", secrets.get_acl),
        route("GET", f"{API}/acls/list", secrets.acls),
    ]


class _Secrets:
    """The calls, each a method. Who has made a scope manages it; others have what its list says, and `users` are all."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._scopes: dict[str, _Scope] = {}
        self._lock = threading.RLock()

    def all(self) -> dict[str, dict[str, str]]:
        """Every secret's value by scope and key; one that is no text is left out, as no variable can hold it."""
        found: dict[str, dict[str, str]] = {}
        with self._lock:
            for name, scope in self._scopes.items():
                found[name] = {}
                for key, one in scope.secrets.items():
                    with contextlib.suppress(UnicodeDecodeError):
                        found[name][key] = one.value.decode()
        return found

    def create_scope(self, call: Call) -> dict[str, Any]:
        name = _name(call, "scope")
        if call.text("scope_backend_type", "DATABRICKS") != "DATABRICKS":
            raise ApiError(501, "NOT_IMPLEMENTED", "The rehearsal has scopes of Databricks' own only, none of a key vault.")
        with self._lock:
            if name in self._scopes:
                raise ApiError(400, "RESOURCE_ALREADY_EXISTS", f"Scope {name} already exists!")
            if len(self._scopes) >= MOST_SCOPES:
                raise ApiError(400, "RESOURCE_LIMIT_EXCEEDED", f"Unable to exceed {MOST_SCOPES} scopes")
            manager = call.text("initial_manage_principal", "") or caller_of(call.request).name
            self._scopes[name] = _Scope({manager: "MANAGE"})
        return {}

    def delete_scope(self, call: Call) -> dict[str, Any]:
        self._scope(call, "MANAGE")
        with self._lock:
            self._scopes.pop(call.text("scope"), None)
        return {}

    def scopes(self, _call: Call) -> dict[str, Any]:
        with self._lock:
            return {"scopes": [{"name": name, "backend_type": "DATABRICKS"} for name in sorted(self._scopes)]}

    def put(self, call: Call) -> dict[str, Any]:
        scope, key = self._scope(call, "WRITE"), _name(call, "key")
        text, data = call.text("string_value", None), call.text("bytes_value", None)
        if (text is None) == (data is None):
            raise invalid("Exactly one of string_value and bytes_value must be given")
        try:
            value = text.encode() if text is not None else base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError) as exc:
            raise ApiError(400, "MALFORMED_REQUEST", "Could not parse request object: bytes_value is no base64") from exc
        if len(value) > LARGEST:
            raise invalid(f"The secret's value of {len(value)} bytes exceeds the limit of {LARGEST} bytes")
        with self._lock:
            if key not in scope.secrets and len(scope.secrets) >= MOST_SECRETS:
                raise ApiError(400, "RESOURCE_LIMIT_EXCEEDED", f"Unable to exceed {MOST_SECRETS} secrets in a scope")
            scope.secrets[key] = _Secret(value, self._workspace.clock.now_ms())
        return {}

    def delete(self, call: Call) -> dict[str, Any]:
        scope, key = self._scope(call, "WRITE"), call.text("key")
        with self._lock:
            if scope.secrets.pop(key, None) is None:
                raise _no_secret(call.text("scope"), key)
        return {}

    def listed(self, call: Call) -> dict[str, Any]:
        scope = self._scope(call, "READ")
        with self._lock:
            found = [{"key": key, "last_updated_timestamp": one.at_ms} for key, one in sorted(scope.secrets.items())]
        return {"secrets": found} if found else {}

    def get(self, call: Call) -> dict[str, Any]:
        scope, key = self._scope(call, "READ"), call.text("key")
        with self._lock:
            found = scope.secrets.get(key)
        if found is None:
            raise _no_secret(call.text("scope"), key)
        return {"key": key, "value": base64.b64encode(found.value).decode()}

    def put_acl(self, call: Call) -> dict[str, Any]:
        scope, permission = self._scope(call, "MANAGE"), call.text("permission")
        if permission not in PERMISSIONS:
            raise invalid(f"Invalid permission {permission}: it is one of {', '.join(PERMISSIONS)}")
        with self._lock:
            scope.acls[call.text("principal")] = permission
        return {}

    def delete_acl(self, call: Call) -> dict[str, Any]:
        scope, principal = self._scope(call, "MANAGE"), call.text("principal")
        with self._lock:
            if scope.acls.pop(principal, None) is None:
                raise not_found(f"Failed to find acl for principal {principal} in scope {call.text('scope')}")
        return {}

    def get_acl(self, call: Call) -> dict[str, Any]:
        scope, principal = self._scope(call, "MANAGE"), call.text("principal")
        with self._lock:
            found = scope.acls.get(principal)
        if found is None:
            raise not_found(f"Failed to find acl for principal {principal} in scope {call.text('scope')}")
        return {"principal": principal, "permission": found}

    def acls(self, call: Call) -> dict[str, Any]:
        scope = self._scope(call, "MANAGE")
        with self._lock:
            return {"items": [{"principal": who, "permission": what} for who, what in sorted(scope.acls.items())]}

    def _scope(self, call: Call, wanted: str) -> _Scope:
        name, who = call.text("scope"), caller_of(call.request).name
        with self._lock:
            found = self._scopes.get(name)
            has = [] if found is None else [found.acls[one] for one in (who, "users") if one in found.acls]
        if found is None:
            raise not_found(f"Scope {name} does not exist!")
        if not any(PERMISSIONS.index(one) >= PERMISSIONS.index(wanted) for one in has):
            raise ApiError(403, "PERMISSION_DENIED", f"User {who} does not have {wanted} permission on scope {name}")
        return found


def _name(call: Call, field_name: str) -> str:
    name = str(call.text(field_name))
    if not _NAME.fullmatch(name):
        raise invalid(f"Invalid {field_name} {name!r}: it may hold letters, digits, -, _, @ and periods, at most 128 of them")
    return name


def _no_secret(scope: str, key: str) -> ApiError:
    return not_found(f"Secret does not exist with scope: {scope} and key: {key}")
