"""A Spark session on a workspace: databricks-connect's where that is installed, else that of pyspark's own Connect client."""

from __future__ import annotations

import os
import re
import threading
import uuid
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from harness.remote.errors import ClusterError, RemoteError, RemoteSparkError
from harness.remote.told import sign_in
from harness.spark.parts import import_parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from databricks.sdk.core import Config

    from harness.remote.client import SdkWorkspace

VALIDATED_WITHIN_S = 60.0
"""How long a session's first answer may take once its cluster runs; the clients themselves go on for ten minutes."""
_VERSION = re.compile(r"(\d+)\.(\d+|x)")


@dataclass(frozen=True, slots=True)
class RemoteSpark:
    """A session, and which client it is of: "databricks-connect 16.4.23", "pyspark 4.2.0's Connect client"."""

    session: Any
    client: str


def open_session(
    workspace: SdkWorkspace,
    *,
    cluster_id: str = "",
    timeout_s: float = VALIDATED_WITHIN_S,
    progress: Callable[[str], None] = lambda _: None,
) -> RemoteSpark:
    """Open a session on a cluster, or on serverless compute where none is named, and see that it answers.

    Raises:
        ClusterError: The cluster doesn't start.
        RemoteSparkError: There is no client for it or there are two, it fits no such runtime, or it doesn't answer.
        SignInError: It doesn't take the sign-in.
        RemoteError: The workspace can't be used.
    """
    version = _version("databricks-connect")
    if version and _version("pyspark"):
        raise RemoteSparkError(
            "pyspark and databricks-connect are installed in one environment",
            cause=f"both bring a package named pyspark: databricks-connect {version} and pyspark {_version('pyspark')}",
            mend="pip uninstall databricks-connect pyspark, then install one of them: databricks-connect for a workspace",
        )
    if cluster_id:
        _start(workspace, cluster_id, progress)
    if version:
        client = f"databricks-connect {version}"
        if cluster_id:
            _check_fit(version, str(workspace.cluster(cluster_id).get("spark_version") or ""))
        make = _with_databricks(workspace.client.config, cluster_id)
    else:
        version = _version("pyspark")
        if not version:
            raise RemoteSparkError(
                "there is no client for Spark on a workspace",
                cause="neither databricks-connect nor pyspark is installed",
                mend='install databricks-connect of the cluster\'s runtime: pip install "databricks-connect==17.3.*"',
            )
        client = f"pyspark {version}'s Connect client"
        make = _with_pyspark(workspace.client.config, cluster_id)
    import_parts()
    progress(f"opening a Spark session by {client}")
    return RemoteSpark(_answering(make, workspace, client, timeout_s), client)


def _answering(make: Callable[[], Any], workspace: SdkWorkspace, client: str, timeout_s: float) -> Any:
    """Make the session in a thread that may be given up: the clients know no time limit of their own."""
    made: list[Any] = []
    failed: list[BaseException] = []

    def go() -> None:
        try:
            session = make()
            session.version  # noqa: B018 - the first question to the server
            made.append(session)
        except BaseException as exc:  # noqa: BLE001 - handed to whoever waits
            failed.append(exc)

    thread = threading.Thread(target=go, name="nbh-spark", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if made:
        return made[0]
    cause = f"{client} had no answer within {timeout_s:g} s"
    if failed:
        cause = workspace.mask(f"{client}: {_first_line(failed[0])}")
        if "UNAUTHENTICATED" in cause:
            raise sign_in("opening a Spark session", workspace.host, cause)
    raise RemoteSparkError(
        f"{workspace.host} gives no Spark session",
        cause=cause,
        mend="see that the cluster runs and that this identity may attach to it; GRPC_DEFAULT_SSL_ROOTS_FILE_PATH must name\n"
        "your organisation's certificates, if it has its own",
    ) from (failed[0] if failed and isinstance(failed[0], RemoteError) else None)


def _start(workspace: SdkWorkspace, cluster_id: str, progress: Callable[[str], None]) -> None:
    facts = workspace.cluster(cluster_id)
    if facts.get("state") == "RUNNING":
        return
    progress(f"waiting for the cluster {facts.get('cluster_name', cluster_id)} to start")
    try:
        workspace.client.clusters.ensure_cluster_is_running(cluster_id)
    except Exception as exc:  # noqa: BLE001 - the edge to the SDK
        raise ClusterError(
            f"the cluster {cluster_id!r} doesn't start",
            cause=workspace.mask(_first_line(exc)),
            mend="look at the cluster's event log; the identity needs CAN RESTART on a cluster that has ended",
        ) from None


def _check_fit(client: str, runtime: str) -> None:
    """Refuse a runtime that is older than the client: it lacks what the client asks for."""
    ours, theirs = _VERSION.match(client), _VERSION.match(runtime)
    if ours is None or theirs is None:
        return
    wanted = int(ours[1]), int(ours[2])
    has = int(theirs[1]), 99 if theirs[2] == "x" else int(theirs[2])
    if has < wanted:
        raise RemoteSparkError(
            "the cluster's runtime is older than the client",
            cause=f"the cluster has {runtime}, and databricks-connect is {client}",
            mend=f'install the client of that runtime: pip install "databricks-connect=={theirs[1]}.{theirs[2]}.*"',
        )


def _with_databricks(config: Config, cluster_id: str) -> Callable[[], Any]:
    def make() -> Any:
        from databricks.connect import DatabricksSession  # type: ignore[import-not-found,import-untyped,unused-ignore]

        # Both may have come from variables, and the client refuses both; an attribute of the SDK's can't be unset.
        for name in ("cluster_id", "serverless_compute_id"):
            config.as_dict().pop(name, None)
        if cluster_id:
            config.cluster_id = cluster_id
        else:
            config.serverless_compute_id = "auto"
        return DatabricksSession.builder.sdkConfig(config).create()

    return make


def _with_pyspark(config: Config, cluster_id: str) -> Callable[[], Any]:
    def make() -> Any:
        from pyspark.sql.connect.session import SparkSession

        os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"  # as pyspark's own builder does: functions are the client's from now on
        builder = _channel_builder()(f"sc://{_endpoint(str(config.host))}/;use_ssl=true")
        builder.sign_in = config.authenticate
        if cluster_id:
            builder.set("x-databricks-cluster-id", cluster_id)
        else:  # which serverless compute it is, as databricks-connect tells it
            builder.set("x-databricks-session-id", str(uuid.uuid4()))
        session = SparkSession.builder.channelBuilder(builder).create()
        os.environ["SPARK_REMOTE"] = f"sc://{_endpoint(str(config.host))}/;use_ssl=true"  # getOrCreate() gives this session
        return session

    return make


def _channel_builder() -> Any:
    """The client's own, but that each call is signed in anew by the SDK: a token ends sooner than long tests do."""
    import grpc
    from pyspark.sql.connect.client.core import DefaultChannelBuilder

    class SignedIn(DefaultChannelBuilder):
        sign_in: Callable[[], dict[str, str]]

        def toChannel(self) -> Any:  # noqa: N802 - pyspark's name
            def sign(_context: Any, answer: Callable[[Any, Any], None]) -> None:
                try:
                    answer([(name.lower(), value) for name, value in self.sign_in().items()], None)
                except Exception as exc:  # noqa: BLE001 - gRPC's own thread: it takes the error for an answer
                    answer((), exc)

            calls = grpc.metadata_call_credentials(sign)
            return self._secure_channel(
                self.endpoint, grpc.composite_channel_credentials(grpc.ssl_channel_credentials(), calls)
            )

    return SignedIn


def _endpoint(host: str) -> str:
    address = urlsplit(host)
    return f"{address.hostname}:{address.port or 443}"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _first_line(exc: BaseException) -> str:
    """What it says, with what it came of: that the client gave up says less than why."""
    of = exc.__cause__ or exc.__context__
    why = f" ({_line(of)})" if of is not None else ""
    return f"{_line(exc)}{why}"


def _line(exc: BaseException) -> str:
    return (" ".join(str(exc).split()) or type(exc).__name__)[:400]
