"""Clusters: made, started, ended; a start takes time on the workspace's clock, and each is counted."""

from __future__ import annotations

import contextlib
import re
import secrets
import threading
from typing import TYPE_CHECKING, Any

from harness.rehearsal.answers import ApiError, invalid, twins
from harness.rehearsal.answers import route as _route
from harness.rehearsal.cluster import Cluster
from harness.rehearsal.no_effect import refuse_of_cluster
from harness.rehearsal.workspace import caller_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from starlette.routing import Route

    from harness.rehearsal.answers import Call
    from harness.rehearsal.workspace import Workspace

VERSIONS = {
    "16.4.x-scala2.12": "16.4 LTS (includes Apache Spark 3.5.2, Scala 2.12)",
    "16.4.x-scala2.13": "16.4 LTS (includes Apache Spark 3.5.2, Scala 2.13)",
    "17.3.x-scala2.13": "17.3 LTS (includes Apache Spark 4.0.0, Scala 2.13)",
    "18.2.x-scala2.13": "18.2 (includes Apache Spark 4.1.0, Scala 2.13)",
    "19.3.x-scala2.13": "19.3 (includes Apache Spark 4.2.0, Scala 2.13)",
}
"""The runtimes that a cluster may ask for. The engine behind each is the same Spark; clients are told what they asked for."""

NODES = {"Standard_D4ds_v5": (16384, 4.0), "Standard_D8ds_v5": (32768, 8.0), "Standard_DS3_v2": (14336, 4.0)}

_RUNTIME = re.compile(r"\d+\.(?:\d+|x)\.x(?:-[a-z0-9]+)*-scala2\.1[23]")
"""How the name of a runtime looks, also of one that isn't served here."""

_NODE = re.compile(
    r"Standard_[A-Z]+\d+[a-z]*(?:-\d+)?[a-z]*(?:_\w+)*"  # Azure's
    r"|[a-z]\w*(?:-\w+)?\.(?:metal|(?:\d+|x)?x?large)(?:-\w+)*"  # AWS'
    r"|[a-z]\w*-(?:standard|(?:high|mega|ultra)(?:mem|cpu|gpu))-\d+\w*(?:-\w+)*"  # Google's
)
"""How the names of machines look: which of them a workspace has hangs on its cloud and region, and no result on the machine."""

EXISTING = "9000-000000-nbhshare"
"""A cluster that is there from the start."""

_LEAST_MINUTES = 10
_WAIT_S = 1800.0
_NAMELESS = "Missing required field: "


class Clusters:
    """All clusters of a workspace, those that jobs brought too."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.RLock()
        self._by_id: dict[str, Cluster] = {}
        self._by_token: dict[str, str] = {}
        self.start_s = 0.0
        shared = {
            "cluster_name": "shared",
            "spark_version": "17.3.x-scala2.13",
            "node_type_id": "Standard_D4ds_v5",
            "num_workers": 1,
            "autotermination_minutes": 30,
            "data_security_mode": "USER_ISOLATION",
        }
        self._by_id[EXISTING] = Cluster(EXISTING, shared, "rehearsal@example.com", workspace.clock, source="UI")

    def find(self, cluster_id: str) -> Cluster:
        """The cluster of this id.

        Raises:
            ApiError: There is none.
        """
        with self._lock:
            found = self._by_id.get(cluster_id)
        if found is None:
            raise invalid(f"Cluster {cluster_id} does not exist")
        return found

    def all(self) -> list[Cluster]:
        """Every cluster, the newest first."""
        with self._lock:
            return list(self._by_id.values())[::-1]

    def make(self, spec: Mapping[str, Any], *, by: str, source: str = "API") -> Cluster:
        """Make a cluster and start it. The same idempotency token gives the same one again.

        Raises:
            ApiError: It can't be what it is asked to be.
        """
        check(spec)
        token = str(spec.get("idempotency_token") or "")
        with self._lock:
            if token and token in self._by_token:
                return self._by_id[self._by_token[token]]
            cluster = Cluster(self._new_id(), dict(spec), by, self._workspace.clock, source=source)
            self._by_id[cluster.id] = cluster
            if token:
                self._by_token[token] = cluster.id
            self.begin(cluster, by=by, is_new=True)
        return cluster

    def _new_id(self) -> str:
        return f"9000-{len(self._by_id):06d}-{secrets.token_hex(4)}"

    def begin(self, cluster: Cluster, *, by: str, is_new: bool = False) -> None:
        """Start one, unless a fault is to meet it."""
        with self._lock:
            cluster.begin(takes_s=self.start_s, by=by, is_new=is_new)
            about = str(cluster.spec.get("cluster_name") or "")
            take = self._workspace.faults.take
            if take("cluster_refused", cluster.id) or take("cluster_refused", about or cluster.id):
                cluster.end(
                    "CLOUD_PROVIDER_RESOURCE_STOCKOUT", {"databricks_error_message": "no capacity"}, kind="CLOUD_FAILURE"
                )

    def ready(
        self, cluster_id: str, *, by: str = "", may_start: bool = True, is_over: Callable[[], bool] = lambda: False
    ) -> Cluster:
        """Give a cluster that runs: one that has ended is started, if it may, and its start waited for on the clock.

        Raises:
            ApiError: There is no such cluster, it doesn't come up, or ``is_over`` held meanwhile.
        """
        cluster = self.find(cluster_id)
        with self._lock:
            state = cluster.look()
            if state == "TERMINATING" and may_start:
                cluster.expect("RUNNING", "TERMINATED", "PENDING", "RESTARTING")
            if state == "TERMINATED" and may_start:
                self.begin(cluster, by=by or cluster.creator)
        self._workspace.clock.wait(_WAIT_S, until=lambda: is_over() or cluster.look() in {"RUNNING", "TERMINATED"})
        if cluster.look() != "RUNNING":
            raise ApiError(400, "INVALID_STATE", cluster.told_reason)
        cluster.used_at = self._workspace.clock.now()
        return cluster

    @contextlib.contextmanager
    def in_use(self, cluster: Cluster) -> Iterator[None]:
        """Have a cluster not end for want of use as long as this lasts."""
        with self._lock:
            cluster.uses += 1
        try:
            yield
        finally:
            with self._lock:
                cluster.uses -= 1
                cluster.used_at = self._workspace.clock.now()

    def remove(self, cluster: Cluster) -> None:
        """Forget one for good."""
        with self._lock:
            self._by_id.pop(cluster.id, None)


def clusters_of(workspace: Workspace) -> Clusters:
    """The clusters of a workspace."""
    found = workspace.shared.get("clusters")
    if not isinstance(found, Clusters):
        found = workspace.shared.setdefault("clusters", Clusters(workspace))
    return found


def check(spec: Mapping[str, Any]) -> None:
    """See that a cluster can be what it is asked to be.

    Raises:
        ApiError: It can't.
    """
    if spec.get("policy_id") or spec.get("instance_pool_id"):  # with one a spec may lack the rest
        refuse_of_cluster(spec)
    version = spec.get("spark_version")
    if not version:
        raise invalid(f"{_NAMELESS}spark_version")
    if version not in VERSIONS:
        if isinstance(version, str) and _RUNTIME.fullmatch(version):
            raise ApiError(501, "NOT_IMPLEMENTED", f"The rehearsal has no runtime {version}; it has {', '.join(VERSIONS)}.")
        raise invalid(f"Invalid spark version {version}.")
    if not spec.get("node_type_id"):
        raise invalid(f"{_NAMELESS}node_type_id")
    for node in (spec["node_type_id"], spec.get("driver_node_type_id")):
        if node and not _NODE.fullmatch(str(node)):
            raise invalid(f"Node type {node} is not supported. Supported node types: {', '.join(sorted(NODES))}")
    minutes = spec.get("autotermination_minutes") or 0
    if not isinstance(minutes, int) or (minutes and minutes < _LEAST_MINUTES):
        raise invalid(f"Invalid autotermination_minutes {minutes}: it must be 0 or at least {_LEAST_MINUTES} minutes.")
    _check_size(spec)
    if not spec.get("num_workers") and not spec.get("autoscale") and not _is_single_node(spec):
        raise invalid(
            "NumWorkers could be 0 only for SingleNode clusters. See https://docs.databricks.com/clusters/single-node.html"
        )
    mode = spec.get("data_security_mode")
    if spec.get("single_user_name") and mode not in {"SINGLE_USER", "DATA_SECURITY_MODE_DEDICATED", "DATA_SECURITY_MODE_AUTO"}:
        raise invalid("single_user_name can only be set for data_security_mode SINGLE_USER")
    for field in ("custom_tags", "spark_conf", "spark_env_vars"):
        values = spec.get(field) or {}
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            raise ApiError(400, "MALFORMED_REQUEST", f"Could not parse request object: Expected '{field}' to hold strings")
    refuse_of_cluster(spec)


def _check_size(spec: Mapping[str, Any]) -> None:
    scale = spec.get("autoscale") or {}
    if not isinstance(scale, dict):
        raise ApiError(400, "MALFORMED_REQUEST", "Could not parse request object: Expected 'autoscale' to be an object")
    sizes = {"num_workers": spec.get("num_workers"), **{name: scale.get(name) for name in ("min_workers", "max_workers")}}
    for field, size in sizes.items():
        if size is not None and (isinstance(size, bool) or not re.fullmatch(r"-?\d+", str(size))):
            raise ApiError(400, "MALFORMED_REQUEST", f"Could not parse request object: Expected '{field}' to be a number")
    counts = {field: int(size or 0) for field, size in sizes.items()}
    if min(counts.values()) < 0:
        raise invalid(f"Invalid number of workers: {counts}")
    if counts["min_workers"] > counts["max_workers"]:
        raise invalid(f"min_workers {counts['min_workers']} is more than max_workers {counts['max_workers']}")


def _is_single_node(spec: Mapping[str, Any]) -> bool:
    conf = spec.get("spark_conf") or {}
    return bool(spec.get("is_single_node")) or conf.get("spark.databricks.cluster.profile") == "singleNode"


def routes(workspace: Workspace) -> list[Route]:
    """The calls of this subject."""
    subject = _Calls(workspace)
    versions = ["2.0", "2.1"]
    return [
        *twins("POST", versions, "/clusters/create", subject.create),
        *twins("GET", versions, "/clusters/get", subject.get),
        *twins("GET", versions, "/clusters/list", subject.list),
        *twins("POST", versions, "/clusters/start", subject.start),
        *twins("POST", versions, "/clusters/restart", subject.restart),
        *twins("POST", versions, "/clusters/delete", subject.delete),
        *twins("POST", versions, "/clusters/permanent-delete", subject.permanent_delete),
        *twins("POST", versions, "/clusters/events", subject.events),
        *twins("GET", versions, "/clusters/list-node-types", subject.node_types),
        *twins("GET", versions, "/clusters/spark-versions", subject.spark_versions),
        _route("GET", "/rehearsal/clusters", subject.counts),
        _route("POST", "/rehearsal/clusters", subject.set_up),
    ]


class _Calls:
    """The calls, each a method."""

    def __init__(self, workspace: Workspace) -> None:
        self._clusters = clusters_of(workspace)

    def create(self, call: Call) -> dict[str, Any]:
        return {"cluster_id": self._clusters.make(call.json(), by=caller_of(call.request).name).id}

    def get(self, call: Call) -> dict[str, Any]:
        return self._clusters.find(call.text("cluster_id")).facts()

    def list(self, call: Call) -> dict[str, Any]:
        wanted = call.given
        states = _listed(wanted.get("filter_by.cluster_states"))
        sources = _listed(wanted.get("filter_by.cluster_sources"))
        found = [one.facts() for one in self._clusters.all()]
        found = [one for one in found if not states or one["state"] in states]
        found = [one for one in found if not sources or one["cluster_source"] in sources]
        size, begin = call.number("page_size", 20), _page(call)
        answer: dict[str, Any] = {"clusters": found[begin : begin + size]} if found else {}
        if begin + size < len(found):
            answer["next_page_token"] = str(begin + size)
        return answer

    def start(self, call: Call) -> dict[str, Any]:
        cluster = self._clusters.find(call.text("cluster_id"))
        cluster.expect("TERMINATED")
        self._clusters.begin(cluster, by=caller_of(call.request).name)
        return {}

    def restart(self, call: Call) -> dict[str, Any]:
        cluster = self._clusters.find(call.text("cluster_id"))
        cluster.expect("RUNNING")
        cluster.begin_again(takes_s=self._clusters.start_s, by=caller_of(call.request).name)
        return {}

    def delete(self, call: Call) -> dict[str, Any]:
        cluster = self._clusters.find(call.text("cluster_id"))
        if cluster.look() not in {"TERMINATED", "TERMINATING"}:
            cluster.end("USER_REQUEST", {"username": caller_of(call.request).name})
        return {}

    def permanent_delete(self, call: Call) -> dict[str, Any]:
        cluster = self._clusters.find(call.text("cluster_id"))
        if cluster.look() not in {"TERMINATED", "TERMINATING"}:
            cluster.end("USER_REQUEST", {"username": caller_of(call.request).name})
        self._clusters.remove(cluster)
        return {}

    def events(self, call: Call) -> dict[str, Any]:
        cluster = self._clusters.find(call.text("cluster_id"))
        cluster.look()
        found = sorted(cluster.events, key=lambda event: event["timestamp"], reverse=call.text("order", "DESC") == "DESC")
        kinds = call.given.get("event_types")
        found = [event for event in found if not kinds or event["type"] in kinds]
        begin, size = call.number("offset", 0), call.number("limit", 50)
        return {"events": found[begin : begin + size], "total_count": len(found)}

    def node_types(self, _call: Call) -> dict[str, Any]:
        return {"node_types": [_node(name, *size) for name, size in NODES.items()]}

    def spark_versions(self, _call: Call) -> dict[str, Any]:
        return {"versions": [{"key": key, "name": name} for key, name in VERSIONS.items()]}

    def counts(self, _call: Call) -> dict[str, Any]:
        found = self._clusters.all()
        starts = {one.id: one.starts for one in found}
        of_jobs = sum(one.starts for one in found if one.source == "JOB")
        return {"starts": starts, "total": sum(starts.values()), "of_jobs": of_jobs, "start_s": self._clusters.start_s}

    def set_up(self, call: Call) -> dict[str, Any]:
        seconds = call.json().get("start_s")
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds < 0:
            raise invalid("start_s is how many seconds a cluster takes to start, from 0 on")
        self._clusters.start_s = float(seconds)
        return self.counts(call)


def _node(name: str, memory_mb: int, cores: float) -> dict[str, Any]:
    return {
        "node_type_id": name,
        "memory_mb": memory_mb,
        "num_cores": cores,
        "description": name,
        "instance_type_id": name,
        "category": "General Purpose",
        "is_deprecated": False,
        "is_hidden": False,
        "num_gpus": 0,
        "support_cluster_tags": True,
        "node_instance_type": {"instance_type_id": name, "local_disks": 1, "local_disk_size_gb": 150},
        "node_info": {"status": [], "available_core_quota": 350.0, "total_core_quota": 350.0},
    }


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def _page(call: Call) -> int:
    token = call.text("page_token", "") or "0"
    if not token.isdigit():
        raise invalid(f"Invalid page token {token}")
    return int(token)
