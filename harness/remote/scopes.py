"""A workspace's own secrets, for units that a test calls: what `dbutils.secrets` gives there."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from harness.remote.errors import AnswerError, MissingError, NotAllowedError

if TYPE_CHECKING:
    from harness.remote.protocol import Workspace

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True


class WorkspaceSecrets:
    """Secrets by the Secrets API, asked for at each call, as on a cluster; nothing of them is kept here."""

    def __init__(self, workspace: Workspace) -> None:
        self.name = workspace.host
        self._workspace = workspace

    def get(self, scope: str, key: str) -> bytes | None:
        """Give a secret's value; None if there is none.

        Raises:
            RemoteError: It can't be read.
        """
        try:
            found = self._workspace.secret(scope, key).get("value")
        except MissingError:
            return None
        except NotAllowedError as error:
            raise _refused(error, scope) from None
        try:
            return base64.b64decode(found, validate=True)  # type: ignore[arg-type]  # whatever it is, it is looked at here
        except (binascii.Error, TypeError, ValueError):
            raise AnswerError(
                f'the secret "{key}" in the scope "{scope}" can\'t be read',
                cause=f"{self.name} gave {type(found).__name__} that is no base64",
                mend="look at it with the Databricks CLI: databricks secrets get-secret",
            ) from None  # an error of base64's holds what it was given

    def keys(self, scope: str) -> list[str] | None:
        """The keys of a scope; None if there is no such scope.

        Raises:
            RemoteError: They can't be read.
        """
        try:
            return [str(one["key"]) for one in self._workspace.secrets(scope)]
        except MissingError:
            return None
        except NotAllowedError as error:
            raise _refused(error, scope) from None

    def scopes(self) -> list[str]:
        """The scopes that this identity may see.

        Raises:
            RemoteError: They can't be read.
        """
        return [str(one["name"]) for one in self._workspace.secret_scopes()]


def _refused(error: NotAllowedError, scope: str) -> NotAllowedError:
    """The same, in the words that a notebook sees there."""
    return NotAllowedError(
        error.what,
        cause=f"com.databricks.common.client.DatabricksServiceHttpClientException: PERMISSION_DENIED: {error.cause}",
        mend=f'grant the identity of the run READ on the scope "{scope}", or give the test its own: @pytest.mark.nbh_secrets',
    )
