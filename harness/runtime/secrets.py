"""``dbutils.secrets``, and where the values come from: never from a file of the project."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

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


@dataclass(frozen=True, slots=True)
class SecretStore:
    """The secrets that a notebook sees.

    ``given`` are a test's own, by scope and key. ``variables`` are those of ``[tool.nbh.secrets]``: by scope and key the name
    of the variable that holds the value. Beside them ``NBH_SECRET_<SCOPE>_<KEY>`` is looked for.
    """

    given: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def get(self, scope: str, key: str) -> str:
        """Give a secret's value.

        Raises:
            SecretNotFoundError: Nobody gives it.
        """
        own, common = self.given.get(scope, {}), variable_of(scope, key)
        named = self.variables.get(scope, {}).get(key, "")
        if key in own:
            return own[key]
        for variable in (common, named):
            if variable in self.env:
                return self.env[variable]
        raise self._missing(scope, key, unset=named, common=common)

    def scopes(self) -> list[str]:
        """The scopes that are known by name: those of the test and the settings."""
        return sorted({*self.given, *self.variables})

    def keys(self, scope: str) -> list[str]:
        """The keys of a scope.

        Raises:
            SecretNotFoundError: There is no such scope.
        """
        if scope not in self.scopes():
            near = get_close_matches(scope, self.scopes(), n=1)
            raise SecretNotFoundError(
                f'there is no secret scope "{scope}"',
                cause=f"RESOURCE_DOES_NOT_EXIST: Scope {scope} does not exist!\n"
                f"known by name: {', '.join(self.scopes()) or 'none'}",
                mend=(f'did you mean "{near[0]}"? if not, ' if near else "")
                + f'name it under [tool.nbh.secrets."{scope}"], or give it in the test: {_marker(scope, "key")}',
            )
        return sorted({*self.given.get(scope, {}), *self.variables.get(scope, {})})

    def _missing(self, scope: str, key: str, *, unset: str, common: str) -> SecretNotFoundError:
        known = [f"{name}: {', '.join(self.keys(name))}" for name in self.scopes()]
        near = get_close_matches(key, self.keys(scope) if scope in self.scopes() else [], n=1)
        mend = f"set the variable {unset or common}, or give it in the test: {_marker(scope, key)}"
        return SecretNotFoundError(
            f'there is no secret "{key}" in the scope "{scope}"',
            cause=f"java.lang.IllegalArgumentException: Secret does not exist with scope: {scope} and key: {key}\n"
            + (f"the variable {unset}, which [tool.nbh.secrets] names for it, is not set" if unset else "")
            + ("" if unset else "known by name: " + ("; ".join(known) or "none")),
            mend=f'did you mean "{near[0]}"? if not, {mend}' if near and not unset else mend,
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
        return self.get(scope, key).encode()

    def list(self, scope: str) -> builtins.list[SecretMetadata]:
        """Give the keys of a scope.

        Raises:
            SecretNotFoundError: There is no such scope.
        """
        return [SecretMetadata(key) for key in self._ask("secret_keys", scope=text(scope, "a secret's scope"))]

    def listScopes(self) -> builtins.list[SecretScope]:  # noqa: N802 -- Databricks' own name
        """Give all scopes."""
        return [SecretScope(name) for name in self._ask("secret_scopes")]
