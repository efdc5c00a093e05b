"""The DBFS API, on the folder that Spark and notebook runs see as dbfs:/."""

from __future__ import annotations

import base64
import binascii
import secrets
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.rehearsal.answers import ApiError, invalid, not_found, route
from harness.rehearsal.faults import DroppedError, cut
from harness.runtime.files import Files, OutsideError

if TYPE_CHECKING:
    from starlette.routing import Route

    from harness.rehearsal.answers import Call
    from harness.rehearsal.workspace import Workspace

API = "/api/2.0/dbfs"
BLOCK = 1024 * 1024
"""What one call may send or take."""


def routes(workspace: Workspace) -> list[Route]:
    """The calls of this subject."""
    dbfs = _Dbfs(workspace)
    return [
        route("GET", f"{API}/get-status", dbfs.get_status),
        route("GET", f"{API}/list", dbfs.listed),
        route("GET", f"{API}/read", dbfs.read),
        route("POST", f"{API}/put", dbfs.put),
        route("POST", f"{API}/create", dbfs.create),
        route("POST", f"{API}/add-block", dbfs.add_block),
        route("POST", f"{API}/close", dbfs.close),
        route("POST", f"{API}/mkdirs", dbfs.mkdirs),
        route("POST", f"{API}/move", dbfs.move),
        route("POST", f"{API}/delete", dbfs.delete),
    ]


class _Dbfs:
    """The calls, each a method."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._files = Files(str(workspace.files))
        self._open: dict[int, Path] = {}
        self._lock = threading.Lock()

    def _locate(self, told: str) -> tuple[str, Path]:
        """A path as it is told back, and where it lies on this machine."""
        path = told.removeprefix("dbfs:")
        if not path.startswith("/"):
            raise invalid(f"Path must be absolute: {told}")
        if path == "/Volumes" or path.startswith("/Volumes/"):
            raise invalid(f"The DBFS API doesn't reach volumes: {told}. Use the Files API.")
        try:
            place = self._files.locate("dbfs", path)
        except (OutsideError, OSError, ValueError) as exc:
            raise invalid(f"Invalid path: {told}") from exc
        if place.kind != "dbfs":
            raise invalid(f"Invalid path: {told}")
        return place.shown.removeprefix("dbfs:"), Path(place.real)

    def get_status(self, call: Call) -> dict[str, Any]:
        shown, real = self._there(call.text("path"))
        return _status(shown, real)

    def listed(self, call: Call) -> dict[str, Any]:
        shown, real = self._there(call.text("path"))
        if real.is_file():
            return {"files": [_status(shown, real)]}
        found = [_status(f"{shown.rstrip('/')}/{one.name}", one) for one in sorted(real.iterdir())]
        return {"files": found} if found else {}

    def read(self, call: Call) -> dict[str, Any]:
        shown, real = self._there(call.text("path"))
        offset, length = call.number("offset", 0), call.number("length", BLOCK // 2)
        if real.is_dir():
            raise invalid(f"Cannot read a directory: {shown}")
        if offset < 0 or length < 0:
            raise invalid("offset and length must be 0 or more")
        if length > BLOCK:
            raise ApiError(400, "MAX_READ_SIZE_EXCEEDED", f"The length {length} exceeds the limit of {BLOCK} bytes.")
        with real.open("rb") as file:
            file.seek(offset)
            data = file.read(length)
        return {"bytes_read": len(data), "data": base64.b64encode(data).decode()}

    def put(self, call: Call) -> dict[str, Any]:
        if call.request.headers.get("content-type", "").startswith("multipart/"):
            raise ApiError(501, "NOT_IMPLEMENTED", "dbfs/put takes JSON here; larger files go by create and add-block.")
        data = _decoded(call.text("contents", ""))
        if len(data) > BLOCK:
            raise _too_large(len(data))
        shown, real = self._locate(call.text("path"))
        self._make(shown, real, overwrite=call.flag("overwrite"))
        kept, is_cut = cut(self._workspace, shown, data)
        with real.open("wb") as file:
            file.write(kept)
        if is_cut:
            raise DroppedError
        return {}

    def create(self, call: Call) -> dict[str, Any]:
        shown, real = self._locate(call.text("path"))
        self._make(shown, real, overwrite=call.flag("overwrite"))
        with real.open("wb"):
            pass
        handle = secrets.randbits(53)
        with self._lock:
            self._open[handle] = real
        return {"handle": handle}

    def add_block(self, call: Call) -> dict[str, Any]:
        real = self._opened(call.number("handle"))
        data = _decoded(call.text("data"))
        if len(data) > BLOCK:
            raise _too_large(len(data))
        with real.open("ab") as file:
            file.write(data)
        return {}

    def close(self, call: Call) -> dict[str, Any]:
        handle = call.number("handle")
        self._opened(handle)
        with self._lock:
            del self._open[handle]
        return {}

    def mkdirs(self, call: Call) -> dict[str, Any]:
        shown, real = self._locate(call.text("path"))
        try:
            real.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as exc:
            raise _exists(shown) from exc
        return {}

    def move(self, call: Call) -> dict[str, Any]:
        _, source = self._there(call.text("source_path"))
        shown, target = self._locate(call.text("destination_path"))
        if target.is_dir():
            target /= source.name
        if target.exists():
            raise _exists(shown)
        if not target.parent.is_dir():
            raise _missing(shown.rpartition("/")[0])
        source.rename(target)
        return {}

    def delete(self, call: Call) -> dict[str, Any]:
        shown, real = self._locate(call.text("path"))
        if shown == "/":
            raise invalid("The root of DBFS can't be deleted.")
        if not (real.exists() or real.is_symlink()):
            return {}
        if not real.is_dir() or real.is_symlink():
            real.unlink()
        elif call.flag("recursive"):
            shutil.rmtree(real)
        elif any(real.iterdir()):
            raise ApiError(400, "IO_ERROR", f"Directory {shown} is not empty and recursive is not set to true")
        else:
            real.rmdir()
        return {}

    def _there(self, told: str) -> tuple[str, Path]:
        shown, real = self._locate(told)
        if not real.exists():
            raise _missing(shown)
        return shown, real

    def _make(self, shown: str, real: Path, *, overwrite: bool) -> None:
        if real.is_dir() or (real.exists() and not overwrite):
            raise _exists(shown)
        try:
            real.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as exc:
            raise _exists(shown) from exc

    def _opened(self, handle: int) -> Path:
        with self._lock:
            found = self._open.get(handle)
        if found is None:
            raise not_found(f"No stream exists for the handle {handle}")
        return found


def _status(shown: str, real: Path) -> dict[str, Any]:
    status = real.stat()
    is_folder = real.is_dir()
    return {
        "path": shown,
        "is_dir": is_folder,
        "file_size": 0 if is_folder else status.st_size,
        "modification_time": round(status.st_mtime * 1000),
    }


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise ApiError(400, "MALFORMED_REQUEST", "Could not parse request object: the contents are no base64") from exc


def _too_large(size: int) -> ApiError:
    return ApiError(400, "MAX_BLOCK_SIZE_EXCEEDED", f"The block of {size} bytes exceeds the limit of {BLOCK} bytes.")


def _missing(shown: str) -> ApiError:
    return not_found(f"No file or directory exists on path {shown}.")


def _exists(shown: str) -> ApiError:
    return ApiError(400, "RESOURCE_ALREADY_EXISTS", f"A file or directory already exists at the input path {shown}.")
