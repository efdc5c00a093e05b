"""What one test gives to all the notebooks that it runs and to its units: secrets and task values."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from harness.runtime.jobs import TaskStore
from harness.runtime.redact import Redactor
from harness.runtime.secrets import SecretStore
from harness.settings import LOCAL_USER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.runtime.secrets import Beyond


class Surroundings:
    """One test's: its runs see each other's task values, and what is shown of any hides the secrets that any has read."""

    def __init__(
        self,
        *,
        secrets: Mapping[str, Mapping[str, str]] | None = None,
        beyond: Callable[[], Beyond | None] = lambda: None,
        user: str = LOCAL_USER,
        is_workspaces: bool = False,
    ) -> None:
        self.user = user
        self.is_workspaces = is_workspaces
        self.tasks = TaskStore()
        self.redactor = Redactor()
        self._secrets = secrets or {}
        self._beyond = beyond
        self._runs = count(1)

    def secret_store(self, variables: Mapping[str, Mapping[str, str]]) -> SecretStore:
        """The secrets that a notebook sees, of the test and of these settings, and those beyond."""
        return SecretStore(self._secrets, variables, beyond=self._beyond(), is_workspaces=self.is_workspaces)

    def of_job(self) -> Surroundings:
        """The same for one job's run: with task values of its own."""
        its = Surroundings(secrets=self._secrets, beyond=self._beyond, user=self.user, is_workspaces=self.is_workspaces)
        its.redactor, its._runs = self.redactor, self._runs
        return its

    def next_run(self) -> int:
        """Number the next run."""
        return next(self._runs)
