"""Who may call: tokens, what they are worth and until when."""

from __future__ import annotations

import hmac
import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.rehearsal.answers import ApiError

if TYPE_CHECKING:
    from harness.rehearsal.clock import Clock

OAUTH_LIFETIME_S = 3600
"""As long as a token of a sign-in is worth something on Databricks."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who may call."""

    name: str
    id: str
    is_service_principal: bool = False

    @property
    def principal(self) -> str:
        """The name of one to whom nothing is open but what was granted; "" of the workspace's user, whose the catalogs are."""
        return self.name if self.is_service_principal else ""


class Tokens:
    """The tokens that this workspace has given out, and the service principal that may sign in."""

    def __init__(
        self, clock: Clock, *, personal: str, client_id: str, client_secret: str, user: Caller, principal: Caller
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._personal = personal
        self._until: dict[str, tuple[Caller, float]] = {personal: (user, float("inf"))}
        self._client = (client_id, client_secret)
        self._principal = principal

    @property
    def client_id(self) -> str:
        """By which id the service principal signs in."""
        return self._client[0]

    def sign_in(self, client_id: str, client_secret: str) -> str:
        """Give a new token to the service principal.

        Raises:
            ApiError: That isn't its id and secret.
        """
        good = hmac.compare_digest(client_id.encode(), self._client[0].encode())
        good &= hmac.compare_digest(client_secret.encode(), self._client[1].encode())
        if not good:
            raise ApiError(401, "invalid_client", "Client authentication failed")
        return self.give()

    def give(self) -> str:
        """A new token of the service principal, whose sign-in was looked at already."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._until[token] = (self._principal, self._clock.now() + OAUTH_LIFETIME_S)
        return token

    def expire(self) -> None:
        """Let all tokens end now: those of sign-ins for good, and the user's own until `renew`."""
        with self._lock:
            now = self._clock.now()
            self._until = {token: (who, now) for token, (who, _) in self._until.items()}

    def renew(self) -> None:
        """Let the user's own token be good again: there is no other that could be put in its place."""
        with self._lock:
            who, _ = self._until[self._personal]
            self._until[self._personal] = (who, float("inf"))

    def driver(self, authorization: str | None) -> Caller:
        """Who drives the rehearsal: as `caller`, but that the user's own token never ends for that.

        Raises:
            ApiError: As there.
        """
        kind, _, token = (authorization or "").partition(" ")
        if kind.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), self._personal.encode()):
            return self._until[self._personal][0]
        return self.caller(authorization)

    def caller(self, authorization: str | None) -> Caller:
        """Whose call it is, by its header ``Authorization``.

        Raises:
            ApiError: There is no token, or none of this workspace's, or one whose time is up.
        """
        kind, _, token = (authorization or "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise ApiError(401, "401", "Credential was not sent or was of an unsupported type for this API.")
        with self._lock:
            found = self._until.get(token.strip())
        if found is None:
            raise ApiError(403, "403", "Invalid access token.")
        who, until = found
        if self._clock.now() >= until:
            raise ApiError(403, "403", "Invalid access token." if token.strip() == self._personal else "JWT has expired")
        return who
