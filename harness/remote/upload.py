"""Bring closures into the folder of a run on the workspace: only what isn't there yet, each file in its own format.

Beside the files lies a manifest that says what was sent, and as what object, of what time, the workspace has kept it. It is
never trusted by itself: a file counts as there only if the workspace still lists that object with that time (and size). After
an upload files are checked by their size, notebooks by reading them back, so that a half-written one is found.
"""

# Paths are texts, as the closure has them.
# ruff: noqa: PTH118, PTH120, PTH123

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.model import Location
from harness.remote.content import is_same
from harness.remote.errors import MissingError, UploadError
from harness.remote.parts import check_together, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager

    from harness.remote.parts import Closure, Part
    from harness.remote.protocol import Facts, Workspace

MANIFEST = ".nbh-manifest.json"
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What an upload did: how many files were sent, and how many were there."""

    sent: int
    kept: int


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What the workspace says of an object: it changes whenever the object does."""

    object_id: int
    modified_at: int
    size: int | None

    @classmethod
    def of(cls, facts: Facts) -> _Stamp | None:
        """None where the workspace doesn't say when it was changed."""
        if facts.get("modified_at") is None or facts.get("object_id") is None:
            return None
        return cls(int(facts["object_id"]), int(facts["modified_at"]), facts.get("size"))


class Uploader:
    """Uploads closures of one project into one folder of the workspace.

    ``locked`` gives what all processes that upload into the folder hold one at a time.
    """

    def __init__(
        self,
        workspace: Workspace,
        folder: str,
        root: str,
        *,
        locked: Callable[[], AbstractContextManager[Any]] = nullcontext,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.folder = folder
        self._workspace = workspace
        self._root = root
        self._locked = locked
        self._progress = progress
        self._taken: dict[str, str] = {}
        self._known: dict[str, tuple[str, _Stamp]] = {}  # by target: digest, and what the workspace said of it

    def upload(self, closure: Closure) -> Uploaded:
        """Bring a closure up to date on the workspace.

        Raises:
            CollisionError: It can't be in one folder with a closure of this run that came before.
            UploadError: A file changed meanwhile, or isn't whole on the workspace.
            RemoteError: The workspace can't be used.
        """
        self._taken = check_together(closure.parts, known=self._taken)
        with self._locked(), ThreadPoolExecutor(AT_ONCE, thread_name_prefix="nbh-upload") as pool:
            missing = self._not_there(closure.parts, pool)
            if missing:
                # Another process of the run may have sent it.
                self._known.update(self._manifest())
                missing = self._not_there(closure.parts, pool)
            if missing:
                self._send(missing, pool)
        return Uploaded(len(missing), len(closure.parts) - len(missing))

    # -- what is there ---------------------------------------------------------------------------------------------------------

    def _not_there(self, parts: Iterable[Part], pool: ThreadPoolExecutor) -> list[Part]:
        """The parts of which it isn't sure that the workspace has them."""
        known = [part for part in parts if (entry := self._known.get(part.target)) is not None and entry[0] == part.digest]
        listed = self._list(known, pool) if known else {}
        there = {part.target for part in known if _Stamp.of(listed.get(part.target, {})) == self._known[part.target][1]}
        return [part for part in parts if part.target not in there]

    def _list(self, parts: Iterable[Part], pool: ThreadPoolExecutor) -> dict[str, Facts]:
        """What the workspace says of the objects in the folders of these parts, by target."""
        folders = sorted({os.path.dirname(part.target) for part in parts})
        found: dict[str, Facts] = {}
        for folder, objects in zip(folders, pool.map(self._list_one, folders), strict=True):
            for facts in objects:
                # Its path may begin otherwise than that which was asked for: /Users for /Workspace/Users.
                name = str(facts["path"]).rpartition("/")[2]
                found[f"{folder}/{name}" if folder else name] = facts
        return found

    def _list_one(self, folder: str) -> list[Facts]:
        try:
            return self._workspace.list_folder(self._path(folder))
        except MissingError:
            return []

    def _manifest(self) -> dict[str, tuple[str, _Stamp]]:
        try:
            found = json.loads(self._workspace.export(self._path(MANIFEST), format="AUTO"))
            return {target: (digest, _Stamp(*stamp)) for target, (digest, *stamp) in found.items()}
        except (MissingError, ValueError, TypeError, AttributeError):
            return {}  # not there yet, or half written: then nothing is known

    # -- sending ---------------------------------------------------------------------------------------------------------------

    def _send(self, parts: list[Part], pool: ThreadPoolExecutor) -> None:
        folders = {self._path(os.path.dirname(part.target)) for part in parts}
        leaves = [one for one in sorted(folders) if not any(other.startswith(f"{one}/") for other in folders)]
        list(pool.map(self._workspace.make_folder, leaves))
        for number, _ in enumerate(pool.map(self._send_one, parts), 1):
            if number % 50 == 0 or number == len(parts):
                self._progress(f"uploaded {number} of {len(parts)} files")
        listed = self._list(parts, pool)
        list(pool.map(lambda part: self._check(part, listed.get(part.target)), parts))
        for part in parts:
            stamp = _Stamp.of(listed[part.target])
            if stamp is not None:
                self._known[part.target] = part.digest, stamp
        self._workspace.upload(self._path(MANIFEST), self._as_text(self._known), format="RAW")

    def _send_one(self, part: Part) -> None:
        data = self._read(part)
        self._workspace.upload(self._path(part.target), data, format=part.format, language=part.language)

    def _read(self, part: Part) -> bytes:
        try:
            with open(os.path.join(self._root, part.path), "rb") as file:
                data = file.read()
        except OSError as exc:
            raise self._changed(part, str(exc)) from exc
        if digest_of(data) != part.digest:
            raise self._changed(part, "its content is another than a moment ago")
        return data

    def _check(self, part: Part, facts: Facts | None) -> None:
        wanted = "NOTEBOOK" if part.kind == "notebook" else "FILE"
        if facts is None:
            raise self._not_whole(part, "the workspace doesn't list it")
        if facts.get("object_type") != wanted:
            raise self._not_whole(part, f"it is a {facts.get('object_type')} there, and should be a {wanted}")
        if wanted == "FILE" and facts.get("size") is not None:
            if facts["size"] != part.size:
                raise self._not_whole(part, f"it has {facts['size']:,} bytes there, and {part.size:,} here")
        elif not is_same(
            self._read(part), self._workspace.export(self._path(part.target), format=_export(part)), format=part.format
        ):
            raise self._not_whole(part, "its content there is another")

    def _path(self, target: str) -> str:
        return f"{self.folder}/{target}" if target else self.folder

    @staticmethod
    def _as_text(known: Mapping[str, tuple[str, _Stamp]]) -> bytes:
        facts = {
            target: [digest, stamp.object_id, stamp.modified_at, stamp.size]
            for target, (digest, stamp) in sorted(known.items())
        }
        return json.dumps(facts).encode()

    @staticmethod
    def _changed(part: Part, cause: str) -> UploadError:
        return UploadError(
            "a file changed while it was uploaded", cause=cause, mend="run the tests again", location=Location(part.path)
        )

    @staticmethod
    def _not_whole(part: Part, cause: str) -> UploadError:
        mend = "run the tests again; if it stays so, remove the run's folder on the workspace"
        return UploadError("an upload isn't whole", cause=cause, mend=mend, location=Location(part.path))


def _export(part: Part) -> str:
    return part.format if part.kind == "notebook" else "AUTO"
