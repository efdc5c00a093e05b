"""Who one is, and signing in: SCIM's ``Me``, OpenID's addresses, and what clients ask of a workspace before all else."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from starlette.responses import JSONResponse

from harness.rehearsal.answers import ApiError, route
from harness.rehearsal.federation import FederationError, check
from harness.rehearsal.pipelines import policies_of
from harness.rehearsal.tokens import OAUTH_LIFETIME_S, Caller
from harness.rehearsal.workspace import caller_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.routing import Route

    from harness.rehearsal.answers import Call
    from harness.rehearsal.workspace import Workspace

OPEN = frozenset(
    {
        "/.well-known/databricks-config",
        "/oidc/.well-known/oauth-authorization-server",
        "/oidc/.well-known/openid-configuration",
        "/oidc/v1/token",
    }
)
"""What may be called without a token."""

_ALL = "all-apis"
_GRANTS = ("client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange")
_JWT = "urn:ietf:params:oauth:token-type:jwt"
_ACCESS = "urn:ietf:params:oauth:token-type:access_token"

USER = Caller("rehearsal@example.com", "9000000000000101")
PRINCIPAL = Caller("00000000-0000-4000-9000-000000000102", "9000000000000102", is_service_principal=True)


def routes(workspace: Workspace) -> list[Route]:
    """The calls of this subject."""

    def config(_call: Call) -> dict[str, Any]:
        return {"oidc_endpoint": f"{workspace.host}/oidc", "workspace_id": workspace.id}

    def endpoints(_call: Call) -> dict[str, Any]:
        return {
            "issuer": f"{workspace.host}/oidc",
            "authorization_endpoint": f"{workspace.host}/oidc/v1/authorize",
            "token_endpoint": f"{workspace.host}/oidc/v1/token",
            "grant_types_supported": list(_GRANTS),
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "scopes_supported": [_ALL],
        }

    def token(call: Call) -> JSONResponse:
        given = {name: values[-1] for name, values in parse_qs(call.content.decode("utf-8", "replace")).items()}
        try:
            answer = _token(workspace, given, *_basic(call.request.headers.get("authorization", "")))
        except ApiError as exc:
            return JSONResponse({"error": exc.code, "error_description": exc.message}, exc.status)
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    def me(call: Call) -> dict[str, Any]:
        who = caller_of(call.request)
        return {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "id": who.id,
            "userName": who.name,
            "displayName": "A rehearsal's service principal" if who.is_service_principal else "A rehearsal's user",
            "active": True,
            **({} if who.is_service_principal else {"emails": [{"type": "work", "value": who.name, "primary": True}]}),
            "groups": [{"display": "users", "type": "direct", "value": "9000000000000201", "$ref": "Groups/9000000000000201"}],
        }

    return [
        route("GET", "/.well-known/databricks-config", config),
        route("GET", "/oidc/.well-known/oauth-authorization-server", endpoints),
        route("GET", "/oidc/.well-known/openid-configuration", endpoints),
        route("POST", "/oidc/v1/token", token),
        route("GET", "/api/2.0/preview/scim/v2/Me", me),
        route("GET", "/api/2.0/scim/v2/Me", me),
    ]


def _token(workspace: Workspace, given: Mapping[str, str], client: str, secret: str) -> dict[str, Any]:
    """What the token endpoint answers to a form; ``client`` and ``secret`` are those of a header.

    Raises:
        ApiError: There is no token for that.
    """
    _refuse_no_effect(given)
    more = {}
    match given.get("grant_type"):
        case "client_credentials":
            token = workspace.tokens.sign_in(given.get("client_id", client), given.get("client_secret", secret))
        case "urn:ietf:params:oauth:grant-type:token-exchange":
            token, more = _exchanged(workspace, given), {"issued_token_type": _ACCESS}
        case _:
            raise ApiError(400, "unsupported_grant_type", f"The rehearsal signs in by {' and '.join(_GRANTS)} alone")
    return {"access_token": token, "token_type": "Bearer", "expires_in": OAUTH_LIFETIME_S, "scope": _ALL, **more}


def _exchanged(workspace: Workspace, given: Mapping[str, str]) -> str:
    """A token for the ID token of a pipeline, if a federation policy of the service principal that it names is for it.

    Raises:
        ApiError: None is.
    """
    for name in ("subject_token", "subject_token_type"):
        if not given.get(name):
            raise ApiError(400, "invalid_request", f"Missing required parameter: {name}")
    if given["subject_token_type"] != _JWT:
        raise ApiError(400, "invalid_request", f"Unsupported subject_token_type: {given['subject_token_type']}")
    # Policies aren't searched: the call says whose they are, and without one there is none.
    policies = list(policies_of(workspace.host).values()) if given.get("client_id") == workspace.tokens.client_id else []
    try:
        check(given["subject_token"], policies, now=workspace.clock.now())
    except FederationError as exc:
        raise ApiError(400, "invalid_grant", str(exc)) from exc
    return workspace.tokens.give()


def _refuse_no_effect(given: Mapping[str, str]) -> None:
    """Refuse what would make a token worth less on a workspace, and here wouldn't.

    Raises:
        ApiError: It is asked for.
    """
    for name in ("assume_group", "authorization_details"):
        if given.get(name):
            raise ApiError(501, "not_implemented", f"The rehearsal's tokens know no {name}")
    if given.get("scope", _ALL) != _ALL:
        raise ApiError(501, "not_implemented", f"The rehearsal's tokens have the scope {_ALL} alone, and not {given['scope']}")


def _basic(header: str) -> tuple[str, str]:
    kind, _, text = header.partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        client, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote(client), unquote(secret)
