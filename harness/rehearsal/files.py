"""The Files API: what volumes hold, in the very folders that Spark and notebook runs see, and the files of models.

There is no cloud storage behind this workspace to which a client could be sent by a signed address, so asking for one is
refused as by a workspace whose storage has a firewall: the SDK then sends and takes files through this API.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from harness.rehearsal.answers import ApiError, invalid, route
from harness.rehearsal.faults import DroppedError
from harness.rehearsal.uc_sql import Uc
from harness.runtime.files import Files, NoVolumeError, OutsideError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from harness.rehearsal.answers import Call
    from harness.rehearsal.workspace import Workspace

API = "/api/2.0/fs"
LARGEST = 5 * 1024**3
MOST = 1000
"""How many entries of a folder one answer has."""

_ARTIFACTS = "/WorkspaceInternal/Mlflow/Artifacts/"
"""Where MLflow's client has the files of runs and of the models that they logged."""

_MODEL_PARTS = 4
"""A path below /Models begins with catalog, schema, model and version."""


def routes(workspace: Workspace) -> list[Route]:
    """The calls of this subject."""
    files = FilesApi(workspace)

    async def put(request: Request) -> Response:
        return await _put(workspace, files, request)

    path = "{path:path}"
    return [
        route("POST", f"{API}/create-download-url", _no_address),
        route("POST", f"{API}/create-upload-part-urls", _no_address),
        route("POST", f"{API}/create-abort-upload-url", _no_address),
        Route(f"{API}/files/{path}", put, methods=["PUT"]),
        route("POST", f"{API}/files/{path}", files.initiate),
        route(["GET", "HEAD"], f"{API}/files/{path}", files.get),
        route("DELETE", f"{API}/files/{path}", files.delete),
        route("PUT", f"{API}/directories/{path}", files.make_folder),
        route("HEAD", f"{API}/directories/{path}", files.head_folder),
        route("GET", f"{API}/directories/{path}", files.listed),
        route("DELETE", f"{API}/directories/{path}", files.delete_folder),
    ]


def _no_address(_call: Call) -> dict[str, Any]:
    raise ApiError(403, "PERMISSION_DENIED", "This workspace's storage can't be reached directly: use the Files API itself.")


class FilesApi:
    """The calls, each a method."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._files = Files(str(workspace.files))
        self._uc = Uc(workspace)

    def locate(self, path: str, *, change: bool = False) -> Path:
        """Where a path of a volume or of a model lies on this machine.

        Raises:
            ApiError: It is none, its volume isn't there, or with ``change`` it is no path that may be changed.
        """
        told = "/" + path.lstrip("/")
        first = told.split("/")[1]
        if first == "Models":
            return self._in_models(told, change=change)
        if told.startswith(_ARTIFACTS):
            return self._in_artifacts(told)
        if first != "Volumes":
            raise invalid(f"Invalid path: unsupported first path component: {first}")
        try:
            place = self._files.locate("dbfs", told)
        except NoVolumeError as exc:
            raise ApiError(404, "NOT_FOUND", f"Volume '{exc.volume}' does not exist.") from exc
        except (OutsideError, ValueError) as exc:
            raise invalid(f"Invalid path: {told}") from exc
        if place.kind != "volume":
            raise invalid(f"Invalid path: {told}: it must name a volume, /Volumes/<catalog>/<schema>/<volume>/…")
        self._uc.require("WRITE VOLUME" if change else "READ VOLUME", "VOLUME", *told.split("/")[2:5])
        return Path(place.real)

    def _in_artifacts(self, told: str) -> Path:
        names = [name for name in told.removeprefix(_ARTIFACTS).split("/") if name]
        if not names or any(name in {".", ".."} for name in names):
            raise invalid(f"Invalid path: {told}")
        return self._workspace.place.mlflow.joinpath("artifacts", *names)

    def _in_models(self, told: str, *, change: bool) -> Path:
        names = [name for name in told.split("/")[2:] if name]
        if len(names) < _MODEL_PARTS or any(name in {".", ".."} for name in names):
            raise invalid(f"Invalid path: {told}")
        version = models_folder(self._workspace).joinpath(*(name.lower() for name in names[:_MODEL_PARTS]))
        if not version.is_dir():
            raise ApiError(404, "NOT_FOUND", f"The model version of {told} does not exist.")
        if change and version not in open_versions(self._workspace):
            raise ApiError(403, "PERMISSION_DENIED", f"The files of a model version can't be changed once it is ready: {told}")
        return version.joinpath(*names[_MODEL_PARTS:])

    def initiate(self, call: Call) -> dict[str, Any]:
        """Begin an upload in parts; there is nowhere to send them, so the client goes back to one call."""
        action = call.text("action", "")
        if action != "initiate-upload":
            raise ApiError(501, "NOT_IMPLEMENTED", f"The rehearsal does not serve the action {action!r} of uploads in parts.")
        real = self.locate(call.path["path"], change=True)
        self.check_new(real, overwrite=call.flag("overwrite"))
        return {"multipart_upload": {"session_token": "none"}}

    def check_new(self, real: Path, *, overwrite: bool) -> None:
        """See that a file can be written.

        Raises:
            ApiError: One is there, or a folder is.
        """
        if real.is_dir():
            raise ApiError(409, "ALREADY_EXISTS", "The file being created is a directory.")
        if real.exists() and not overwrite:
            raise ApiError(409, "ALREADY_EXISTS", "The file being created already exists.")

    def get(self, call: Call) -> Response:
        """A file, whole or a part of it."""
        real = self.locate(call.path["path"])
        if not real.is_file():
            raise _not_found()
        since = call.request.headers.get("if-unmodified-since")
        if since and int(real.stat().st_mtime) > parsedate_to_datetime(since).timestamp():
            raise ApiError(412, "PRECONDITION_FAILED", "The file has been modified.")
        return FileResponse(real, media_type="application/octet-stream")

    def delete(self, call: Call) -> Response:
        """Remove a file."""
        real = self.locate(call.path["path"], change=True)
        if not real.is_file():
            raise _not_found()
        real.unlink()
        return Response(status_code=204)

    def make_folder(self, call: Call) -> Response:
        """Make a folder, and those above it."""
        real = self.locate(call.path["path"], change=True)
        with _told():
            real.mkdir(parents=True, exist_ok=True)
        return Response(status_code=204)

    def head_folder(self, call: Call) -> Response:
        """Whether a folder is there."""
        if not self.locate(call.path["path"]).is_dir():
            raise _not_found("directory")
        return Response(status_code=200)

    def listed(self, call: Call) -> dict[str, Any]:
        """What is in a folder, by name."""
        real, told = self.locate(call.path["path"]), "/" + call.path["path"].strip("/")
        if not real.is_dir():
            raise _not_found("directory")
        names = sorted(one.name for one in real.iterdir() if not one.name.startswith(_HALF))
        size = min(call.number("page_size", MOST), MOST)
        begin = call.number("page_token", 0)
        answer: dict[str, Any] = {"contents": [_entry(real, told, name) for name in names[begin : begin + size]]}
        if begin + size < len(names):
            answer["next_page_token"] = str(begin + size)
        return answer

    def delete_folder(self, call: Call) -> Response:
        """Remove an empty folder."""
        real = self.locate(call.path["path"], change=True)
        if not real.is_dir():
            raise _not_found("directory")
        if call.path["path"].strip("/").count("/") < _MODEL_PARTS:
            raise invalid("A volume is deleted by its own call, not by that of a directory.")
        if any(real.iterdir()):
            raise ApiError(400, "DIRECTORY_NOT_EMPTY", "The directory being deleted is not empty.")
        real.rmdir()
        return Response(status_code=204)


_HALF = ".nbh-upload-"


async def _put(workspace: Workspace, files: FilesApi, request: Request) -> Response:
    """Take a file as it comes; it is there at its end, and not before."""
    path = str(request.path_params["path"])
    real = await run_in_threadpool(lambda: files.locate(path, change=True))
    overwrite = request.query_params.get("overwrite", "false").lower() == "true"
    files.check_new(real, overwrite=overwrite)
    with _told():
        real.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=_HALF, dir=real.parent)
        half = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            size = 0
            async for chunk in request.stream():
                size += len(chunk)
                if size > LARGEST:
                    raise ApiError(413, "INVALID_PARAMETER_VALUE", "The file is larger than the 5 GiB that one call may send.")
                await run_in_threadpool(file.write, chunk)
            is_cut = workspace.faults.take("half_written", "/" + path) is not None
            if is_cut:
                file.truncate(size // 2)
        await run_in_threadpool(_settle, half, real)
    finally:
        await run_in_threadpool(half.unlink, missing_ok=True)
    if is_cut:
        raise DroppedError
    return Response(status_code=204)


def _settle(half: Path, real: Path) -> None:
    half.chmod(0o644)
    with _told():
        half.replace(real)


def _entry(folder: Path, told: str, name: str) -> dict[str, Any]:
    path = folder / name
    status, is_folder = path.stat(), path.is_dir()
    at = round(status.st_mtime * 1000)
    facts = {"path": f"{told}/{name}", "name": name, "is_directory": is_folder, "last_modified": at}
    return facts if is_folder else {**facts, "file_size": status.st_size}


def _not_found(kind: str = "file") -> ApiError:
    return ApiError(404, "NOT_FOUND", f"The {kind} being accessed is not found.")


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Tell what this machine's disk says."""
    try:
        yield
    except (FileExistsError, NotADirectoryError) as exc:
        raise ApiError(409, "ALREADY_EXISTS", "A file is where a directory is to be.") from exc
    except OSError as exc:
        raise invalid(f"The path can't be written: {exc.strerror}") from exc


def models_folder(workspace: Workspace) -> Path:
    """Where the files of registered models are: a folder for each catalog, schema, model and version."""
    return workspace.place.mlflow / "models"


def open_versions(workspace: Workspace) -> set[Path]:
    """The folders of model versions that still take files."""
    found: set[Path] = workspace.shared.setdefault("open model versions", set())
    return found
