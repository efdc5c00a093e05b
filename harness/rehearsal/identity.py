"""Who one is, and signing in: SCIM's ``Me``, OpenID's addresses, and what clients ask of a workspace before all else."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from starlette.responses import JSONResponse

from harness.rehearsal.answers import ApiError, route
from harness.rehearsal.tokens import OAUTH_LIFETIME_S, Caller
from harness.rehearsal.workspace import caller_of

if TYPE_CHECKING:
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
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "scopes_supported": ["all-apis"],
        }

    def token(call: Call) -> JSONResponse:
        given = {name: values[-1] for name, values in parse_qs(call.content.decode("utf-8", "replace")).items()}
        if given.get("grant_type") != "client_credentials":
            return _oauth_refusal(400, "unsupported_grant_type", "The rehearsal signs in by client_credentials alone")
        client, secret = _basic(call.request.headers.get("authorization", ""))
        try:
            token = workspace.tokens.sign_in(given.get("client_id", client), given.get("client_secret", secret))
        except ApiError as exc:
            return _oauth_refusal(exc.status, str(exc.code), exc.message)
        scope = given.get("scope", "all-apis")
        return JSONResponse(
            {"access_token": token, "token_type": "Bearer", "expires_in": OAUTH_LIFETIME_S, "scope": scope},
            headers={"Cache-Control": "no-store"},
        )

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


def _oauth_refusal(status: int, error: str, description: str) -> JSONResponse:
    return JSONResponse({"error": error, "error_description": description}, status)


def _basic(header: str) -> tuple[str, str]:
    kind, _, text = header.partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        client, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote(client), unquote(secret)
