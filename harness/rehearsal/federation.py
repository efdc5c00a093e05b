"""Federation: whose ID tokens the service principal may sign in with, and a stand-in for those who issue them.

What a refusal says is after what clients have shown of a workspace's answers; the words for a signature, a time and a token
that can't be read have no source.
"""

from __future__ import annotations

import functools
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KEY_ID = "rehearsal"
_BITS = 2048
_ALGORITHM = "RS256"
_ANY_S = 10**11
"""So far may a clock be off for the library that verifies: the time is looked at by the workspace's own clock."""


class FederationError(Exception):
    """An ID token is no sign-in; the text is what the token endpoint describes."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A federation policy of the service principal: whose tokens it signs in with, for whom they were made, about what."""

    issuer: str
    subject: str
    audiences: tuple[str, ...]


def check(token: str, policies: Sequence[Policy], *, now: float) -> Policy:
    """The policy that an ID token fits.

    Raises:
        FederationError: It fits none, or it isn't what its issuer has signed, or not of now.
    """
    from google.auth.exceptions import GoogleAuthError

    jwt = _jwt()
    try:
        if jwt.decode_header(token).get("alg") != _ALGORITHM:
            raise FederationError(_processed("TOKEN_INVALID", "Token algorithm invalid"))
        told = jwt.decode(token, verify=False)
    except (GoogleAuthError, ValueError) as exc:
        raise FederationError(_processed("TOKEN_INVALID", "Token is not a valid JWT")) from exc
    issuer, subject, audiences = str(told.get("iss")), str(told.get("sub")), _audiences(told)
    policy = next((one for one in policies if (one.issuer, one.subject) == (issuer, subject)), None)
    if policy is None:
        raise FederationError(_no_policy(issuer, subject, audiences))
    try:
        jwt.decode(token, certs={KEY_ID: _keys(KEY_ID)[1]}, clock_skew_in_seconds=_ANY_S)
        ends, begins = float(told["exp"]), float(told.get("nbf") or told["iat"])
    except (GoogleAuthError, TypeError, ValueError) as exc:
        raise FederationError(_processed("TOKEN_INVALID", "Token signature invalid")) from exc
    if not begins <= now < ends:
        raise FederationError(_processed("TOKEN_EXPIRED", "Token expired or not valid yet"))
    if not set(audiences) & set(policy.audiences):
        given = ", ".join(audiences)
        wanted = f"{{issuer: '{policy.issuer}', audience: '{', '.join(policy.audiences)}'}}"
        raise FederationError(
            _processed("TOKEN_AUDIENCE_INVALID", f"Token audience '{given}' invalid") + f". Federation policy: {wanted}"
        )
    return policy


def _no_policy(issuer: str, subject: str, audiences: Sequence[str]) -> str:
    """What a token is told that no policy of the service principal is for."""
    wanted = f"{{issuer: '{issuer}', subject: '{subject}', audience: '{', '.join(audiences)}'}}"
    why = _processed("TOKEN_INVALID", "Ensure a valid federation policy has been configured")
    return f"{why}. Valid federation policy for provided token: {wanted}"


def issue(policy: Policy, *, now: float, lifetime_s: float, is_forged: bool = False) -> str:
    """An ID token as the policy wants it, from now on; a forged one is signed by a key that its issuer doesn't have."""
    from google.auth import crypt

    rsa: Any = crypt.RSASigner
    signer = rsa.from_string(_keys("another" if is_forged else KEY_ID)[0], key_id=KEY_ID)
    at = int(now)
    times = {"iat": at, "nbf": at, "exp": at + int(lifetime_s)}
    named = {"iss": policy.issuer, "sub": policy.subject, "aud": policy.audiences[0], "jti": secrets.token_hex(8)}
    return str(_jwt().encode(signer, {**named, **times}), "ascii")


def _jwt() -> Any:
    """The library's part that signs and verifies; half of it has no types."""
    from google.auth import jwt

    return jwt


def _audiences(told: Mapping[str, Any]) -> list[str]:
    given = told.get("aud")
    return [str(one) for one in given] if isinstance(given, list) else [str(given)]


def _processed(code: str, why: str) -> str:
    return f"Failed to process token: {code} ({why})"


@functools.cache
def _keys(_name: str) -> tuple[str, str]:
    """A pair of keys of this process's own, private and public."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()
