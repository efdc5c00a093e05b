"""The workspace's tree: which folders, notebooks and files there are, and where each lies on this machine.

A notebook has no suffix in a workspace and has one on disk, so that it can be run from there: the index knows both.
"""

from __future__ import annotations

import itertools
import shutil
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.rehearsal.answers import ApiError, invalid, not_found

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from harness.rehearsal.clock import Clock

SUFFIXES = {"PYTHON": ".py", "SQL": ".sql", "SCALA": ".scala", "R": ".r"}


@dataclass(frozen=True, slots=True)
class Item:
    """One thing in the tree. ``kind`` is DIRECTORY, NOTEBOOK or FILE; ``form`` of a notebook is SOURCE or JUPYTER."""

    path: str
    kind: str
    id: int
    disk: str
    created: int
    modified: int
    language: str = ""
    form: str = ""
    size: int = 0

    def facts(self) -> dict[str, Any]:
        """What the API tells of it."""
        facts: dict[str, Any] = {
            "object_type": self.kind,
            "path": self.path,
            "object_id": self.id,
            "resource_id": str(self.id),
        }
        if self.kind != "DIRECTORY":
            facts |= {"created_at": self.created, "modified_at": self.modified}
        if self.kind == "NOTEBOOK":
            facts["language"] = self.language
        if self.kind == "FILE":
            facts["size"] = self.size
        return facts


class Tree:
    """All that lies in a workspace; what it holds is kept under ``folder``."""

    def __init__(self, folder: Path, clock: Clock, users: Iterable[str]) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = threading.RLock()
        self._ids = itertools.count(9000000000001001)
        self._items: dict[str, Item] = {}
        self._add("/", "DIRECTORY", "")
        for path in ("/Shared", "/Repos", "/Users", *(f"/Users/{user}" for user in users)):
            self.make_folders(path)

    def find(self, path: str) -> Item:
        """What lies at a path.

        Raises:
            ApiError: Nothing does.
        """
        with self._lock:
            found = self._items.get(plain(path)) or self._written(plain(path))
        if found is None:
            raise not_found(f"Path ({path}) doesn't exist.")
        return found

    def on_this_machine(self, disk: str) -> Item | None:
        """What lies under this path below the tree's folder on this machine."""
        with self._lock:
            return next((item for item in self._items.values() if item.disk == disk), None)

    def on_disk(self, item: Item) -> Path:
        """Where it lies on this machine."""
        return self._folder / item.disk

    def children(self, item: Item) -> list[Item]:
        """What lies in a folder; of anything else, itself."""
        if item.kind != "DIRECTORY":
            return [item]
        with self._lock:
            for found in (self._folder / item.disk).iterdir():
                self._written(f"{item.path.rstrip('/')}/{found.name}")
            return sorted(
                (one for one in self._items.values() if one.path != "/" and above(one.path) == item.path),
                key=lambda one: one.path,
            )

    def make_folders(self, path: str) -> None:
        """Make a folder, and those above it.

        Raises:
            ApiError: Something else has that name.
        """
        with self._lock:
            wanted = plain(path)
            for end in [at for at in range(1, len(wanted)) if wanted[at] == "/"] + [len(wanted)]:
                one = wanted[:end]
                found = self._items.get(one)
                if found is not None and found.kind != "DIRECTORY":
                    raise ApiError(400, "RESOURCE_ALREADY_EXISTS", f"Path ({one}) already exists.")
                if found is None:
                    disk = one.lstrip("/")
                    self._free(disk, one)
                    (self._folder / disk).mkdir(parents=True, exist_ok=True)
                    self._add(one, "DIRECTORY", disk)

    def write(
        self, path: str, content: bytes, *, kind: str, language: str = "", form: str = "", overwrite: bool = False
    ) -> Item:
        """Put a notebook or a file at a path.

        Raises:
            ApiError: Its folder isn't there, or something is there already.
        """
        with self._lock:
            path = plain(path)
            folder = self._items.get(above(path))
            if folder is None or folder.kind != "DIRECTORY":
                raise not_found(f"The parent folder ({above(path)}) does not exist.")
            before = self._items.get(path)
            if before is not None and (not overwrite or before.kind == "DIRECTORY"):
                raise ApiError(400, "RESOURCE_ALREADY_EXISTS", f"Path ({path}) already exists.")
            if before is not None and before.kind != kind:
                message = f"Cannot overwrite the asset at {path} due to type mismatch (asked: {kind}, actual: {before.kind})"
                raise invalid(message)
            disk = path.lstrip("/")
            if kind == "NOTEBOOK":
                suffix = ".ipynb" if form == "JUPYTER" else SUFFIXES[language]
                disk += "" if disk.endswith(suffix) else suffix
            self._free(disk, path)
            if before is not None and before.disk != disk:
                (self._folder / before.disk).unlink(missing_ok=True)
            target = self._folder / disk
            half = target.with_name(f".{target.name}.half")
            half.write_bytes(content)
            half.replace(target)  # a run that reads it meanwhile sees one or the other
            return self._add(path, kind, disk, language=language, form=form, size=len(content), before=before)

    def remove(self, path: str, *, recursive: bool) -> None:
        """Remove what lies at a path.

        Raises:
            ApiError: Nothing does, or it is a folder that isn't empty, or the workspace's own.
        """
        with self._lock:
            item = self.find(path)
            if item.path in {"/", "/Users", "/Shared", "/Repos"}:
                raise ApiError(400, "BAD_REQUEST", f"Folder ({item.path}) can't be deleted.")
            below = [one for one in self._items.values() if one.path.startswith(item.path + "/")]
            if below and not recursive:
                raise ApiError(400, "DIRECTORY_NOT_EMPTY", f"Folder ({item.path}) is not empty")
            for one in [*below, item]:
                del self._items[one.path]
            if item.kind == "DIRECTORY":
                shutil.rmtree(self._folder / item.disk, ignore_errors=True)
            else:
                (self._folder / item.disk).unlink(missing_ok=True)

    def _written(self, path: str) -> Item | None:
        """A file that a notebook wrote by its path on this machine; it isn't in the index yet."""
        folder = self._items.get(above(path))
        if path in self._items or folder is None or folder.kind != "DIRECTORY":
            return None
        disk = path.lstrip("/")
        place = self._folder / disk
        if not place.is_file() or place.name.startswith(".") or any(one.disk == disk for one in self._items.values()):
            return None
        return self._add(path, "FILE", disk, size=place.stat().st_size)

    def _free(self, disk: str, path: str) -> None:
        """See that no other thing lies there on this machine: a notebook ``x`` beside a file ``x.py``.

        Raises:
            ApiError: One does. A workspace would take it, and which of the two a name then means is anybody's guess.
        """
        for one in self._items.values():
            if one.disk == disk and one.path != path:
                message = f"The rehearsal does not keep {path} beside {one.path}: on this machine both would be {disk}."
                raise ApiError(501, "NOT_IMPLEMENTED", message)

    def _add(
        self,
        path: str,
        kind: str,
        disk: str,
        *,
        language: str = "",
        form: str = "",
        size: int = 0,
        before: Item | None = None,
    ) -> Item:
        now = self._clock.now_ms()
        item = Item(
            path,
            kind,
            before.id if before is not None else next(self._ids),
            disk,
            before.created if before is not None else now,
            now,
            language,
            form,
            size,
        )
        self._items[path] = item
        return item


def plain(path: str) -> str:
    """A path as the tree has it: ``/Workspace/Shared/x/`` is ``/Shared/x``.

    Raises:
        ApiError: It isn't absolute, or leads upwards.
    """
    if not path.startswith("/"):
        raise invalid(f"Path ({path}) doesn't start with '/'")
    names = [name for name in path.split("/") if name not in {"", "."}]
    if ".." in names or "\0" in path:
        raise invalid(f"Path ({path}) is not valid")
    if names[:1] == ["Workspace"]:
        names = names[1:]
    return "/" + "/".join(names)


def above(path: str) -> str:
    """The folder that a path is in."""
    return path.rpartition("/")[0] or "/"
