"""The calls on a workspace, made through databricks-sdk: its sign-in, its retries, its sessions. Nothing is decided here."""

from __future__ import annotations

import configparser
import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from harness.environments import is_this_machine
from harness.remote.errors import AnswerError, CertificateError, RemoteError, SignInError
from harness.remote.protocol import Facts, Identity
from harness.remote.renewal import Renewal
from harness.remote.secrets import Masker
from harness.remote.told import certificate, is_token_fault, sign_in, told, unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from databricks.sdk import WorkspaceClient

PROBE_S = 5.0
"""How long the first answer of a workspace may take; the SDK's own limit is five minutes."""
SIGN_IN_S = 4
"""How long the SDK may go on trying at sign-in."""
RETRY_S = 60
"""How long the SDK may go on trying later: a workspace that was there once is worth waiting for."""
HTTP_S = 30.0
_CLOCK_MAY_BE_OFF_S = 300.0
_SECRETS = ("token", "password", "client_secret", "azure_client_secret", "google_credentials")


_Answer = TypeVar("_Answer")


def connect(host: str = "", profile: str = "", *, retry_s: float = RETRY_S) -> SdkWorkspace:
    """Sign in to a workspace by the SDK's unified authentication, and look whether it takes the sign-in.

    Raises:
        UnreachableError: Nothing answers; told within seconds.
        CertificateError: Its certificate isn't trusted.
        SignInError: There is no sign-in, or it isn't taken.
    """
    address = _address(host)
    if address:
        _refuse_open_line(address)
        _probe(address)
    client, mask = _client(address, profile)
    if not address:
        address = str(client.config.host)
        _refuse_open_line(address)
        _probe(address)
    workspace = SdkWorkspace(client, mask)
    try:
        workspace.me()
    except SignInError as error:
        raise _with_clock(error, address) from error
    # Taken from here on: the first answers come in seconds or not at all, later ones may be waited for.
    client.config.retry_timeout_seconds = int(retry_s)
    client.config.http_timeout_seconds = HTTP_S
    from databricks.sdk import WorkspaceClient

    workspace.client = WorkspaceClient(config=client.config)
    return workspace


def _client(address: str, profile: str) -> tuple[WorkspaceClient, Masker]:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.core import Config

    named = f"the profile {profile!r}" if profile else os.environ.get("DATABRICKS_HOST", "")
    shown = address or Masker()(named) or "the workspace"
    if address and profile:
        _check_profile(address, profile)
    given: dict[str, Any] = {}
    if address:
        given["host"] = address
    if profile:
        given["profile"] = profile
    try:
        config = Config(
            **given,
            retry_timeout_seconds=SIGN_IN_S,
            http_timeout_seconds=PROBE_S,
            product="databricks-notebook-harness",
            product_version="0.1.0",
        )
    except ValueError as exc:
        raise sign_in("looking for a sign-in", shown, _plain(exc)) from None
    except Exception as exc:  # noqa: BLE001 - the edge to the SDK, as below
        raise told(exc, doing="looking for a sign-in", host=shown, mask=Masker()) from None
    mask = Masker(getattr(config, name, None) for name in _SECRETS)
    if not config.host:
        raise sign_in("looking for a workspace", shown, "neither the environment nor the sign-in names a host")
    return WorkspaceClient(config=config), mask


def _check_profile(address: str, profile: str) -> None:
    """See that a profile signs in to this workspace: what it holds goes to no other.

    Raises:
        SignInError: It is of another one.
    """
    read = configparser.ConfigParser(interpolation=None, default_section="")  # as the SDK, which takes nothing of [DEFAULT]
    with contextlib.suppress(configparser.Error):  # the SDK tells of it
        read.read(Path(os.environ.get("DATABRICKS_CONFIG_FILE") or "~/.databrickscfg").expanduser(), encoding="utf-8")
    theirs = _address(read.get(profile, "host", fallback=""))
    if theirs and urlsplit(theirs.lower()).netloc != urlsplit(address.lower()).netloc:
        raise SignInError(
            f"the profile {profile!r} is of another workspace",
            cause=f"it is of {Masker()(theirs)}, and the environment's host is {Masker()(address)}",
            mend="correct one of them, or leave the profile out",
        )


def _plain(exc: ValueError) -> str:
    """The SDK's text without all its settings."""
    return Masker()(str(exc).partition(". Config: ")[0].partition(" Config: ")[0])


class SdkWorkspace:
    """A workspace as `harness.remote.protocol.Workspace` has it; ``client`` is the SDK's own."""

    def __init__(self, client: WorkspaceClient, mask: Masker) -> None:
        self.client = client
        self.mask = mask
        self.host = str(client.config.host)
        self._renewal = Renewal()

    def me(self) -> Identity:
        """Who is signed in."""
        found = self._again("asking who is signed in", self.client.current_user.me)
        groups = tuple(group.display for group in found.groups or () if group.display)
        return Identity(found.user_name or found.id or "", groups)

    def workspace_id(self) -> int:
        """The workspace's number, which evidence names."""
        return self._again("asking for the workspace's id", self.client.get_workspace_id)

    # -- runs ------------------------------------------------------------------------------------------------------------------

    def submit(self, body: Mapping[str, Any]) -> int:
        """Submit a one-time run; the token in it makes sure that it is one only, however often this is called."""
        return int(self._post("/api/2.2/jobs/runs/submit", body, doing="submitting a run")["run_id"])

    def run(self, run_id: int) -> Facts:
        """What is known of a run."""
        return self._get("/api/2.2/jobs/runs/get", {"run_id": run_id}, doing=f"looking at run {run_id}")

    def iterations(self, run_id: int) -> list[Facts]:
        """The runs of a loop's iterations, on all pages, with the parameters that each was given."""
        found: list[Facts] = []
        query: dict[str, Any] = {"run_id": run_id, "include_resolved_values": True}
        while True:
            page = self._get("/api/2.2/jobs/runs/get", query, doing=f"looking at the iterations of run {run_id}")
            found.extend(page.get("iterations") or ())
            token = str(page.get("next_page_token") or "")
            if not token:
                return found
            query["page_token"] = token

    def output(self, run_id: int) -> Facts:
        """What a task's run gave."""
        return self._get("/api/2.2/jobs/runs/get-output", {"run_id": run_id}, doing=f"reading the output of run {run_id}")

    def export_run(self, run_id: int) -> list[Facts]:
        """The pages of a task's executed notebook."""
        query = {"run_id": run_id, "views_to_export": "CODE"}
        return list(
            self._get("/api/2.2/jobs/runs/export", query, doing=f"reading the cells of run {run_id}").get("views") or ()
        )

    def runs_page(self, *, since_ms: int, page_token: str = "", active_only: bool = False) -> tuple[list[Facts], str]:
        """One page of one-time runs that started since, latest first, and the token of the next page."""
        query: dict[str, Any] = {"run_type": "SUBMIT_RUN", "start_time_from": since_ms, "limit": 24}
        if page_token:
            query["page_token"] = page_token
        if active_only:
            query["active_only"] = True
        page = self._get("/api/2.2/jobs/runs/list", query, doing="listing runs")
        return list(page.get("runs") or ()), str(page.get("next_page_token") or "")

    def cancel(self, run_id: int) -> None:
        """Ask for a run's end; it comes later."""
        self._post("/api/2.2/jobs/runs/cancel", {"run_id": run_id}, doing=f"cancelling run {run_id}")

    # -- clusters --------------------------------------------------------------------------------------------------------------

    def create_cluster(self, spec: Mapping[str, Any]) -> str:
        """Make a cluster; gives its id at once, it starts later."""
        return str(self._post("/api/2.1/clusters/create", spec, doing="making a cluster")["cluster_id"])

    def cluster(self, cluster_id: str) -> Facts:
        """What is known of a cluster."""
        return self._get("/api/2.1/clusters/get", {"cluster_id": cluster_id}, doing=f"looking at the cluster {cluster_id}")

    def clusters(self) -> list[Facts]:
        """The clusters that this identity sees and that were made by the API, as ours are, ended ones of the last weeks too.

        Those of jobs may be thousands, and all of them would be asked for.
        """
        from databricks.sdk.service.compute import ClusterSource, ListClustersFilterBy

        wanted = ListClustersFilterBy(cluster_sources=[ClusterSource.API])
        list_ = self.client.clusters.list
        return self._again("listing clusters", lambda: [one.as_dict() for one in list_(filter_by=wanted, page_size=100)])

    def delete_cluster(self, cluster_id: str) -> None:
        """End a cluster for good."""
        body = {"cluster_id": cluster_id}
        self._post("/api/2.1/clusters/permanent-delete", body, doing=f"removing the cluster {cluster_id}")

    # -- files of the workspace ------------------------------------------------------------------------------------------------

    def make_folder(self, path: str) -> None:
        """Make a folder and those above it; it may be there already."""
        self._again(f"making the folder {path}", lambda: self.client.workspace.mkdirs(path))

    def upload(self, path: str, data: bytes, *, format: str, language: str = "") -> None:  # noqa: A002 - the API's name
        """Write a notebook or file, over what is there."""
        from databricks.sdk.service.workspace import ImportFormat, Language

        # The SDK tries no multipart upload again, not even one that was told to wait.
        self._again(
            f"uploading {path}",
            lambda: self.client.workspace.upload(
                path, data, format=ImportFormat(format), language=Language(language) if language else None, overwrite=True
            ),
        )

    def export(self, path: str, *, format: str) -> bytes:  # noqa: A002 - the API's name
        """Read a notebook or file."""
        from databricks.sdk.service.workspace import ExportFormat

        def read() -> bytes:
            with self.client.workspace.download(path, format=ExportFormat(format)) as answer:
                return bytes(answer.read())

        return self._again(f"reading {path}", read)

    def list_folder(self, path: str) -> list[Facts]:
        """What is in a folder, one level deep."""
        return self._again(f"listing {path}", lambda: [one.as_dict() for one in self.client.workspace.list(path)])

    def delete_folder(self, path: str) -> None:
        """Remove a folder with all that is in it."""
        self._again(f"removing {path}", lambda: self.client.workspace.delete(path, recursive=True))

    # -- secrets ---------------------------------------------------------------------------------------------------------------

    def secret(self, scope: str, key: str) -> Facts:
        """A secret, with its value in base64."""
        return self._again(f'reading the secret "{key}"', lambda: self.client.secrets.get_secret(scope, key).as_dict())

    def secrets(self, scope: str) -> list[Facts]:
        """The secrets of a scope, without their values."""
        return self._again(
            f'listing the scope "{scope}"', lambda: [one.as_dict() for one in self.client.secrets.list_secrets(scope)]
        )

    def secret_scopes(self) -> list[Facts]:
        """The scopes of secrets that this identity sees."""
        return self._again(
            "listing the scopes of secrets", lambda: [one.as_dict() for one in self.client.secrets.list_scopes()]
        )

    # -- Unity Catalog ---------------------------------------------------------------------------------------------------------

    def catalog(self, name: str) -> Facts:
        """What is known of a catalog."""
        return self._again(f"looking at the catalog {name}", lambda: self.client.catalogs.get(name).as_dict())

    def catalogs(self) -> list[Facts]:
        """The catalogs that this identity sees."""
        return self._again("listing the catalogs", lambda: [one.as_dict() for one in self.client.catalogs.list()])

    def schemas(self, catalog: str) -> list[Facts]:
        """The schemas of a catalog that this identity sees."""
        doing = f"listing the schemas of {catalog}"
        return self._again(doing, lambda: [one.as_dict() for one in self.client.schemas.list(catalog)])

    def objects_in(self, kind: str, schema: str) -> list[Facts]:
        """The tables (with views) or the volumes of a schema that this identity sees, as far as their names and owners go."""
        catalog, _, name = schema.partition(".")
        told = {} if kind == "volume" else {"omit_columns": True, "omit_properties": True}
        doing = f"listing the {kind}s of {schema}"
        return self._again(doing, lambda: [one.as_dict() for one in self._calls_on(kind).list(catalog, name, **told)])

    def effective_privileges(self, kind: str, name: str) -> list[Facts]:
        """Who may do what on a catalog, schema, table or volume, inherited privileges too."""
        path = f"/api/2.1/unity-catalog/effective-permissions/{kind}/{name}"
        found: list[Facts] = []
        token = ""
        while True:
            query = {"page_token": token} if token else {}
            page = self._get(path, query, doing=f"reading the privileges on {name}")
            found.extend(page.get("privilege_assignments") or ())
            token = str(page.get("next_page_token") or "")
            if not token:
                return found

    def object(self, kind: str, name: str) -> Facts:
        """What is known of a table, view, volume or function, by its name of three parts."""

        def look() -> Facts:
            calls = self._calls_on(kind)
            facts: Facts = (calls.read if kind == "volume" else calls.get)(name).as_dict()
            return facts

        return self._again(f"looking at the {kind} {name}", look)

    def delete_schema(self, name: str) -> None:
        """Drop a schema with all that is in it."""
        self._again(f"dropping the schema {name}", lambda: self.client.schemas.delete(name, force=True))

    def delete_catalog(self, name: str) -> None:
        """Drop a catalog with all that is in it."""
        self._again(f"dropping the catalog {name}", lambda: self.client.catalogs.delete(name, force=True))

    def delete_object(self, kind: str, name: str) -> None:
        """Drop a table, view, volume or function, by its name of three parts."""
        self._again(f"dropping the {kind} {name}", lambda: self._calls_on(kind).delete(name))

    def _calls_on(self, kind: str) -> Any:
        client = self.client
        return {"volume": client.volumes, "function": client.functions}.get(kind, client.tables)

    # -- calls -----------------------------------------------------------------------------------------------------------------

    def _get(self, path: str, query: Mapping[str, Any], *, doing: str) -> Facts:
        return self._do("GET", path, doing=doing, query=dict(query))

    def _post(self, path: str, body: Mapping[str, Any], *, doing: str) -> Facts:
        return self._do("POST", path, doing=doing, body=dict(body))

    def _do(self, method: str, path: str, *, doing: str, **given: Any) -> Facts:
        """Call with the body as it is: the SDK's classes would drop keys of a cluster's spec that they don't know."""
        headers = {"Accept": "application/json"}
        if self.client.config.workspace_id:
            headers["X-Databricks-Workspace-Id"] = str(self.client.config.workspace_id)
        with self._telling(doing):
            answer: Any = self._renewal.around(
                self.client.config, lambda: self.client.api_client.do(method, path, headers=headers, **given)
            )
        if not isinstance(answer, dict):
            raise AnswerError(f"{doing} failed", cause=f"{self.host} answered no object", mend="look whether it is a workspace")
        return answer

    def _again(self, doing: str, call: Callable[[], _Answer]) -> _Answer:
        """Make a call that may be made twice: also where the workspace fails by itself, which the SDK doesn't try again."""
        from datetime import timedelta

        from databricks.sdk.retries import retried

        seconds = self.client.config.retry_timeout_seconds
        with self._telling(doing):
            again = retried(timeout=timedelta(seconds=seconds), is_retryable=_passes)(call)
            answer: _Answer = self._renewal.around(self.client.config, again)
        return answer

    @contextlib.contextmanager
    def _telling(self, doing: str) -> Iterator[None]:
        try:
            yield
        except RemoteError:
            raise
        except Exception as exc:  # noqa: BLE001 - the edge to the SDK: whatever it raises is told in our words
            raise told(exc, doing=doing, host=self.host, mask=self.mask) from None


def _passes(exc: BaseException) -> str | None:
    """Why a call may be answered if it is made again, or None."""
    import requests
    from databricks.sdk import errors

    match exc:
        case errors.NotImplemented():
            return None
        case errors.InternalError() | errors.TemporarilyUnavailable() | errors.DeadlineExceeded():
            return "the workspace failed"
        case requests.ConnectionError() | requests.Timeout() if not isinstance(exc, requests.exceptions.SSLError):
            return "the connection was lost"
    return "no token was given" if is_token_fault(exc) else None


def _address(host: str) -> str:
    if not host:
        return ""
    return (host if "://" in host else f"https://{host}").rstrip("/")


def _refuse_open_line(address: str) -> None:
    """Send no sign-in where others can read it; this machine's own addresses are nobody else's."""
    parts = urlsplit(address)
    if parts.scheme != "https" and not is_this_machine(address):
        raise CertificateError(
            f"{Masker()(address)} is no address with TLS",
            cause=f"it begins with {parts.scheme}://, so that anybody on the way could read the sign-in",
            mend="write https://",
        )


def _probe(address: str) -> float | None:
    """Look once whether anything answers there, by the way that the SDK goes; gives how far this machine's clock is off."""
    import requests

    doing = "looking for the workspace"
    shown = Masker()(address)
    try:
        answer = requests.get(f"{address}/.well-known/databricks-config", timeout=PROBE_S, allow_redirects=False)
    except requests.exceptions.SSLError as exc:
        raise certificate(doing, shown, Masker()(exc)) from None
    except requests.exceptions.RequestException as exc:
        raise unreachable(doing, shown, Masker()(exc)) from None
    return _off_by(answer.headers.get("Date", ""))


def _off_by(date: str) -> float | None:
    import time
    from email.utils import parsedate_to_datetime

    try:
        return time.time() - parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return None


def _with_clock(error: SignInError, address: str) -> SignInError:
    """Say so where the sign-in isn't taken and this machine's clock is wrong: tokens carry the time."""
    try:
        off = _probe(address)
    except RemoteError:
        return error
    if off is None or abs(off) < _CLOCK_MAY_BE_OFF_S:
        return error
    way = "ahead of" if off > 0 else "behind"
    cause = f"{error.cause}; this machine's clock is {abs(off) / 60:.0f} minutes {way} the workspace's"
    return SignInError(error.what, cause=cause, mend=f"set this machine's clock; if it stays so, {error.mend}")
