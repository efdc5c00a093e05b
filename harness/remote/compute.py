"""What runs the notebooks: a cluster that is there, one that a pytest run makes and all its processes share, or serverless."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.errors import SettingsError
from harness.remote.errors import ClusterError, MissingError, RemoteError, SignInError, is_passing
from harness.remote.marks import TAG
from harness.remote.removal import clusters_named, is_ours
from harness.remote.wheels import folders_of, in_environments, in_libraries

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.environments import Environment
    from harness.remote.protocol import Facts, Identity, Workspace
    from harness.remote.state import SharedRun

IDLE_MINUTES = 20
"""After so long without a run a cluster of ours ends by itself, whatever became of the process that made it."""

_SUBJECT = "cluster"
_MAKING = "making"
_GONE = frozenset({"TERMINATED", "TERMINATING", "ERROR"})
_DEDICATED = frozenset({"SINGLE_USER", "DATA_SECURITY_MODE_DEDICATED"})


def named_cluster(workspace: Workspace, environment: Environment) -> Facts:
    """What the workspace says of the cluster that an environment names.

    Raises:
        ClusterError: It isn't there.
    """
    cluster_id = environment.compute.cluster_id
    try:
        return workspace.cluster(cluster_id)
    except MissingError as error:
        raise ClusterError(
            f"the cluster {cluster_id!r} isn't there",
            cause=error.cause,
            mend=f"correct cluster_id of the environment {environment.name!r}, or take `compute.serverless = true`",
        ) from error


class Computes:
    """Gives each run what it runs on, for one environment and one pytest run.

    ``name`` is what our cluster is called, ``wheels`` gives the paths on the workspace of the project's own wheels.
    """

    def __init__(
        self,
        environment: Environment,
        workspace: Workspace,
        shared: SharedRun,
        *,
        name: str,
        progress: Callable[[str], None] = lambda _: None,
        wheels: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._environment = environment
        self._compute = environment.compute
        self._workspace = workspace
        self._shared = shared
        self._name = name
        self._progress = progress
        self._wheels = wheels
        if self._compute.kind == "serverless" and environment.libraries:
            raise SettingsError(
                f"the environment {environment.name!r} has libraries, and no cluster to install them on",
                cause="serverless compute takes packages from environments alone",
                mend=f"write them as dependencies under [[tool.nbh.env.{environment.name}.environments]]",
            )
        if self._compute.kind == "existing" and (folders := folders_of(environment)):
            raise SettingsError(
                f"the environment {environment.name!r} has its own wheel {folders[0]!r} for a cluster that is there",
                cause="a cluster that is up keeps the wheel that it has of the same version, so that old code would be tested",
                mend="have a cluster made ([compute] with a spec), or take serverless compute",
            )

    def check(self, identity: Identity) -> tuple[str, ...]:
        """Look whether the cluster of the settings can be used; gives notes on it.

        Raises:
            ClusterError: It isn't there, or isn't one that notebooks can be submitted to.
        """
        if self._compute.kind != "existing":
            return ()
        cluster_id = self._compute.cluster_id
        facts = named_cluster(self._workspace, self._environment)
        why = why_not(facts, identity)
        if why:
            raise ClusterError(
                f"the cluster {cluster_id!r} can't run notebooks of this run",
                cause=why,
                mend="take another cluster, or have one made: [compute] with a spec",
            )
        if facts.get("state") in _GONE:
            return (
                f"the cluster {facts.get('cluster_name', cluster_id)} is {facts['state'].lower()}: the first run starts it",
            )
        return ()

    def keys(self) -> tuple[Facts, Facts]:
        """The keys of a task and of its submission that say what it runs on; makes the shared cluster if need be.

        Raises:
            RemoteError: The cluster can't be made.
        """
        task: dict[str, Any] = {}
        if self._environment.libraries:
            task["libraries"] = in_libraries(self._environment.libraries, self._wheels())
        match self._compute.kind:
            case "existing":
                return {**task, "existing_cluster_id": self._compute.cluster_id}, {}
            case "new" if self._compute.share == "never":
                return {**task, "new_cluster": self._spec(named=False)}, {}
            case "new":
                return {**task, "existing_cluster_id": self._ours()}, {}
        environments = in_environments(self._environment.environments, self._wheels())
        if not environments:
            return task, {}
        return {**task, "environment_key": environments[0]["environment_key"]}, {"environments": environments}

    @property
    def runs_scripts(self) -> bool:
        """Whether Python scripts run on it as it is: serverless compute asks for an environment, which notebooks do without."""
        return self._compute.kind != "serverless" or bool(self._environment.environments)

    @property
    def takes_wheels(self) -> bool:
        """Whether a wheel of the project can be installed on it: a cluster that is up keeps the one that it has."""
        return self._compute.kind != "existing"

    def of_spark(self) -> str:
        """The cluster for a Spark session, "" for serverless; one that is made for runs serves sessions, too.

        Raises:
            ClusterError: Each run has a cluster of its own, so there is none for a session.
        """
        match self._compute.kind:
            case "existing":
                return self._compute.cluster_id
            case "new" if self._compute.share == "never":
                raise ClusterError(
                    "there is no cluster for a Spark session",
                    cause='share = "never" gives each notebook a cluster of its own, which ends with it',
                    mend='set share = "run", or name a cluster',
                )
            case "new":
                return self._ours()
        return ""

    def failed(self, cluster_id: str) -> None:
        """Take note that a run was lost with its cluster: if it is ours and has gone, the next run makes another."""
        if self._compute.kind != "new" or self._compute.share == "never":
            return
        with self._shared.locked():
            if self._shared.told(_SUBJECT).get("id") != cluster_id:
                return
            try:
                gone = self._workspace.cluster(cluster_id).get("state") in _GONE
            except MissingError:
                gone = True
            except RemoteError:
                return
            if gone:
                self._shared.tell(_SUBJECT, {**self._shared.told(_SUBJECT), "id": ""})

    @property
    def starts(self) -> int:
        """How many clusters this pytest run has made."""
        return int(self._shared.told(_SUBJECT).get("starts", 0))

    # -- our own cluster -------------------------------------------------------------------------------------------------------

    def _ours(self) -> str:
        found = self._shared.told(_SUBJECT).get("id")
        if found:
            return str(found)
        with self._shared.locked():
            told = self._shared.told(_SUBJECT)
            if told.get("id"):  # another process made it meanwhile
                return str(told["id"])
            self._progress("making a cluster; it starts in some minutes")
            starts = int(told.get("starts", 0))
            cluster_id = self._make(self._name)
            self._shared.tell(_SUBJECT, {"id": cluster_id, "starts": starts + 1})
            return cluster_id

    def _make(self, name: str) -> str:
        """Make it, or take the one that an earlier call made whose answer was lost."""
        ledger = self._shared.ledger
        making = self._shared.told(_MAKING)
        noted = [entry for entry in ledger.entries() if entry.key == making.get("key")]
        if noted:
            entry, token = noted[0], str(making["token"])
            there = self._alive(name)
        else:
            entry, token = ledger.note(_SUBJECT, name), secrets.token_hex(16)
            self._shared.tell(_MAKING, {"key": entry.key, "token": token})
            there = set()
        before = clusters_named(self._workspace, name) - there
        try:
            # The token keeps a call that the SDK repeats from making a second cluster.
            made = there or {self._workspace.create_cluster({**self._spec(named=True), "idempotency_token": token})}
        except RemoteError as error:
            if is_passing(error):
                raise
            if not noted:  # else an earlier call may have made it
                ledger.strike(entry)
                self._shared.tell(_MAKING, {})
            if isinstance(error, SignInError):
                raise
            raise ClusterError(
                "the cluster of this run can't be made", cause=f"{error.what}\n{error.cause}".strip(), mend=error.mend
            ) from error
        cluster_id = min(made)
        ledger.learn(entry, cluster_id)
        for other in clusters_named(self._workspace, name) - before - {cluster_id}:
            self._workspace.delete_cluster(other)
        self._shared.tell(_MAKING, {})
        return cluster_id

    def _alive(self, name: str) -> set[str]:
        return {
            str(one["cluster_id"])
            for one in self._workspace.clusters()
            if is_ours(one) and one["cluster_name"] == name and one.get("state") not in _GONE
        }

    def _spec(self, *, named: bool) -> dict[str, Any]:
        spec: dict[str, Any] = _plain(self._compute.spec)
        spec["custom_tags"] = {**(spec.get("custom_tags") or {}), TAG: self._name}
        if named:
            spec["cluster_name"] = self._name
            spec.setdefault("autotermination_minutes", IDLE_MINUTES)
            if not spec["autotermination_minutes"]:
                spec["autotermination_minutes"] = IDLE_MINUTES  # 0 means never
        return spec


def why_not(facts: Mapping[str, Any], identity: Identity) -> str:
    """Why a cluster takes no runs of this identity; empty if it does."""
    if facts.get("cluster_source") in {"JOB", "PIPELINE"}:
        return f"it is a {facts['cluster_source'].lower()} cluster, which takes no other runs"
    user = str(facts.get("single_user_name") or "")
    ours = {one.casefold() for one in (identity.name, *identity.groups)}
    if user and user.casefold() not in ours and facts.get("data_security_mode") in _DEDICATED:
        return f"it is dedicated to {user}, and this run is {identity.name}"
    return ""


def _plain(value: Any) -> Any:
    """Settings are frozen, the SDK's JSON takes plain dictionaries."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
