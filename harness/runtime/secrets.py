"""``dbutils.secrets``, and where the values come from: never from a file of the project."""

from __future__ import annotations

import base64
import os
import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from harness.errors import SecretNotFoundError
from harness.runtime.part import Part, text

if TYPE_CHECKING:
    import builtins
    from collections.abc import Callable, Mapping

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True


class SecretMetadata(NamedTuple):
    """What ``dbutils.secrets.list`` gives."""

    key: str


class SecretScope(NamedTuple):
    """What ``dbutils.secrets.listScopes`` gives."""

    name: str

    def getName(self) -> str:  # noqa: N802 -- Databricks' own name
        """Give the scope's name."""
        return self.name


class Beyond(Protocol):
    """Secrets that lie elsewhere, in a workspace; each call raises where they can't be looked at."""

    name: str

    def get(self, scope: str, key: str) -> bytes | None:
        """Give a secret's value; None if there is none."""

    def keys(self, scope: str) -> list[str] | None:
        """The keys of a scope; None if there is no such scope."""

    def scopes(self) -> list[str]:
        """The scopes that can be seen."""


@dataclass(frozen=True, slots=True)
class SecretStore:
    """The secrets that a notebook sees.

    ``given`` are a test's own, by scope and key. ``variables`` are those of ``[tool.nbh.secrets]``: by scope and key the name
    of the variable that holds the value. Beside them ``NBH_SECRET_<SCOPE>_<KEY>`` is looked for, and last what is ``beyond``.
    ``is_workspaces`` says that a workspace runs the notebook, whose own secrets are all that there are.
    """

    given: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)
    beyond: Beyond | None = None
    is_workspaces: bool = False

    def get(self, scope: str, key: str) -> str:
        """Give a secret's value as a text: what is no UTF-8 in it is replaced, as Java does.

        Raises:
            SecretNotFoundError: Nobody gives it.
        """
        return self.get_bytes(scope, key).decode(errors="replace")

    def get_bytes(self, scope: str, key: str) -> bytes:
        """Give a secret's value.

        Raises:
            SecretNotFoundError: Nobody gives it.
        """
        own, common = self.given.get(scope, {}), variable_of(scope, key)
        named = self.variables.get(scope, {}).get(key, "")
        if key in own:
            return own[key].encode()
        for variable in (common, named):
            if variable in self.env:
                return self.env[variable].encode(errors="surrogateescape")
        found = self.beyond.get(scope, key) if self.beyond is not None else None
        if found is None:
            raise self._missing(scope, key, unset=named, common=common)
        return found

    def scopes(self) -> list[str]:
        """The scopes that are known by name: those of the test and the settings, and those beyond."""
        return sorted({*self._own_scopes(), *(self.beyond.scopes() if self.beyond is not None else ())})

    def _own_scopes(self) -> list[str]:
        return sorted({*self.given, *self.variables})

    def _own_keys(self, scope: str) -> list[str]:
        return sorted({*self.given.get(scope, {}), *self.variables.get(scope, {})})

    def _here(self) -> str:
        return "known by name: " if self.beyond is None else f"not in {self.beyond.name} either; known by name here: "

    def keys(self, scope: str) -> list[str]:
        """The keys of a scope.

        Raises:
            SecretNotFoundError: There is no such scope.
        """
        there = self.beyond.keys(scope) if self.beyond is not None else None
        if there is None and scope not in self._own_scopes():
            near = get_close_matches(scope, self.scopes(), n=1)
            raise SecretNotFoundError(
                f'there is no secret scope "{scope}"',
                cause=f"RESOURCE_DOES_NOT_EXIST: Scope {scope} does not exist!\n"
                f"{self._here()}{', '.join(self._own_scopes()) or 'none'}",
                mend=_IN_WORKSPACE
                if self.is_workspaces
                else (f'did you mean "{near[0]}"? if not, ' if near else "")
                + f'name it under [tool.nbh.secrets."{scope}"], or give it in the test: {_marker(scope, "key")}',
            )
        return sorted({*self._own_keys(scope), *(there or ())})

    def _missing(self, scope: str, key: str, *, unset: str, common: str) -> SecretNotFoundError:
        known = [f"{name}: {', '.join(self._own_keys(name))}" for name in self._own_scopes()]
        near = get_close_matches(key, self._own_keys(scope), n=1)
        mend = f"set the variable {unset or common}, or give it in the test: {_marker(scope, key)}"
        if self.is_workspaces:
            mend = _IN_WORKSPACE
        return SecretNotFoundError(
            f'there is no secret "{key}" in the scope "{scope}"',
            cause=f"java.lang.IllegalArgumentException: Secret does not exist with scope: {scope} and key: {key}\n"
            + (f"the variable {unset}, which [tool.nbh.secrets] names for it, is not set" if unset else "")
            + ("" if unset else self._here() + ("; ".join(known) or "none")),
            mend=f'did you mean "{near[0]}"? if not, {mend}' if near and not unset else mend,
        )


_IN_WORKSPACE = (
    "put it there (client.secrets.put_secret(…), say): "
    "a notebook that a workspace runs reads the workspace's secrets, and none of the test's"
)


def variable_of(scope: str, key: str) -> str:
    """The variable that is looked for without any setting: ``NBH_SECRET_MY_SCOPE_API_TOKEN``."""
    return "NBH_SECRET_" + "_".join(re.sub(r"\W", "_", part).upper() for part in (scope, key))


def _marker(scope: str, key: str) -> str:
    return f'@pytest.mark.nbh_secrets({{"{scope}": {{"{key}": …}}}})'


class Secrets(Part):
    """Secrets by scope and key; their values are hidden in what is shown."""

    _path = "dbutils.secrets"

    def __init__(self, ask: Callable[..., Any]) -> None:
        self._ask = ask

    def get(self, scope: str, key: str) -> str:
        """Give a secret's text.

        Raises:
            SecretNotFoundError: There is none.
        """
        return str(self._ask("secret", scope=text(scope, "a secret's scope"), key=text(key, "a secret's key")))

    def getBytes(self, scope: str, key: str) -> bytes:  # noqa: N802 -- Databricks' own name
        """Give a secret's bytes.

        Raises:
            SecretNotFoundError: There is none.
        """
        asked = {"scope": text(scope, "a secret's scope"), "key": text(key, "a secret's key")}
        return base64.b64decode(self._ask("secret_bytes", **asked))

    def list(self, scope: str) -> builtins.list[SecretMetadata]:
        """Give the keys of a scope.

        Raises:
            SecretNotFoundError: There is no such scope.
        """
        return [SecretMetadata(key) for key in self._ask("secret_keys", scope=text(scope, "a secret's scope"))]

    def listScopes(self) -> builtins.list[SecretScope]:  # noqa: N802 -- Databricks' own name
        """Give all scopes."""
        return [SecretScope(name) for name in self._ask("secret_scopes")]
