"""A workspace on this machine for the tests of this process: had once, driven by its own calls, and ended with the run."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from harness.collect.remote import environment_here, rehearsal_of_run
from harness.collect.watching import tell
from harness.environments import REHEARSAL
from harness.settings import settings_for

if TYPE_CHECKING:
    from pathlib import Path

    from databricks.sdk import WorkspaceClient

    from harness.rehearsal.control import Running

_HERE: pytest.StashKey[Rehearsal] = pytest.StashKey()


class Rehearsal:
    """What the fixture ``rehearsal`` gives: where the workspace is, how to sign in, and how to drive it."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._driver: WorkspaceClient | None = None

    @property
    def host(self) -> str:
        """The address that clients take: ``https://127.0.0.1:…``."""
        return self._running.host

    @property
    def token(self) -> str:
        """The token of its user, a workspace admin; no other workspace knows it."""
        return self._running.token

    @property
    def ca(self) -> Path:
        """The file of the certificate to trust, for ``REQUESTS_CA_BUNDLE`` or ``verify=``."""
        return self._running.ca

    def client(self, **config: Any) -> WorkspaceClient:
        """Give databricks-sdk's client, signed in by the token and trusting the certificate; the process's variables stay.

        ``config`` is what databricks-sdk's ``Config`` takes besides, as ``retry_timeout_seconds=5``; ``token=…`` for another
        one.
        """
        from databricks.sdk import WorkspaceClient
        from databricks.sdk.core import Config

        from harness.rehearsal.clients import clients_of

        with clients_of(self._running):  # a Config calls its host when it is made
            made = WorkspaceClient(config=Config(**{"host": self.host, "token": self.token, **config}))
        session = made.api_client._api_client._session  # noqa: SLF001 -- the SDK has no public way to trust a certificate
        session.verify, session.trust_env = str(self.ca), False  # a bundle or proxy of the environment would win
        return made

    def faults(self, kind: str, *, path: str = "*", times: int = 1, **more: Any) -> None:
        """Have the next calls whose path fits the pattern meet a fault, until the test ends.

        Of calls: too_many_requests, unavailable, internal_error, reset, lost_answer, slow, token_expired; of what is behind
        them: half_written, cluster_refused, cluster_lost, preempted. ``more`` is ``method="POST"``, ``after=2`` (so many are
        let pass first) and ``seconds=0.5``.

        Raises:
            databricks.sdk.errors.InvalidParameterValue: There is no such fault, or a value is wrong; the message says what is.
        """
        self._do("POST", "faults", {"kind": kind, "path": path, "times": times, **more})

    def pipeline(self, kind: str, **told: Any) -> dict[str, str]:
        """Begin a pipeline's job, and give the variables by which a step of it signs in as the service principal.

        ``kind`` is "github" or "azure-devops". ``told`` makes its ID tokens bad ones: ``subject="repo:…"`` of another pipeline,
        ``issuer=…``, ``audience=…``, ``lifetime_s=-60`` for one that is over, ``is_forged=True`` for one of another key.

        Raises:
            databricks.sdk.errors.InvalidParameterValue: There is no such job; the message says which there are.
        """
        of_job = self._do("POST", "pipelines", {"kind": kind, **told})["variables"]
        sign_in = {
            "DATABRICKS_HOST": self.host,
            "DATABRICKS_CLIENT_ID": self._running.client_id,
            "DATABRICKS_AUTH_TYPE": f"{kind}-oidc",
        }
        return {**sign_in, **{str(name): str(value) for name, value in of_job.items()}}

    def advance(self, seconds: float) -> None:
        """Put its clock forward: idle clusters end, runs time out, tokens of sign-ins expire. It is never put back."""
        self._do("POST", "clock", {"advance_s": seconds})

    def calls(self) -> dict[str, int]:
        """How often each route was called in this test, as ``{"POST /api/2.2/jobs/runs/submit": 1}``."""
        return {str(name): int(count) for name, count in self._do("GET", "calls")["calls"].items()}

    def forget(self) -> None:
        """Take back the faults that were asked for, and count calls anew."""
        self._do("DELETE", "faults")
        self._do("DELETE", "calls")

    def __repr__(self) -> str:
        # The token has no place in a log or an assertion.
        return f"Rehearsal(host={self.host!r})"

    def _do(self, method: str, name: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        if self._driver is None:
            self._driver = self.client()
        found = self._driver.api_client.do(method, f"/rehearsal/{name}", body=body)
        return found if isinstance(found, dict) else {}


def rehearsal_here(config: pytest.Config) -> Rehearsal:
    """The rehearsal of this process's tests: the run's own with ``--databricks-env=rehearsal``, else one for them alone.

    Raises:
        RehearsalStartError: It doesn't start.
    """
    if _HERE not in config.stash:
        if environment_here(config).name == REHEARSAL:
            config.stash[_HERE] = Rehearsal(rehearsal_of_run(config, partial(tell, config)))
        else:
            config.stash[_HERE] = Rehearsal(_own(config))
    return config.stash[_HERE]


def _own(config: pytest.Config) -> Running:
    """One that no other run and no other worker has, as faults and the clock are for all who call."""
    from harness.rehearsal import control

    running = control.start(settings_for(str(config.rootpath / "x")), progress=partial(tell, config), owner=os.getpid())
    config.add_cleanup(partial(control.stop, running))
    return running


def forget_of_test(item: pytest.Item) -> None:
    """At the end of a test that has the rehearsal, take back what it asked of it."""
    found = item.config.stash.get(_HERE, None)
    if found is not None and "rehearsal" in getattr(item, "fixturenames", ()):
        found.forget()
