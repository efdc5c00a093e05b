"""The parts of a closure: each file with its digest and its place on a workspace, and what a workspace can't hold."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.model import Location
from harness.remote.errors import CollisionError, TooLargeError, WorkspaceNameError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

LIMIT = 10 * 1024 * 1024
"""What the import of a notebook, with its outputs, or of a file takes."""
NAME_LIMIT = 255
"""Bytes of a name in UTF-8."""

LANGUAGES = {".py": "PYTHON", ".sql": "SQL", ".scala": "SCALA", ".r": "R"}


@dataclass(frozen=True, slots=True)
class Part:
    """One file that goes to the workspace.

    ``path`` is relative to the project, with ``/``. ``kind`` is "notebook" or "file", ``format`` how a workspace imports it
    ("SOURCE", "JUPYTER" or "RAW"), ``language`` that of a source notebook. ``target`` is its path on the workspace, relative to
    the folder of the run: a notebook has no suffix there.
    """

    path: str
    kind: str
    format: str
    digest: str
    size: int
    language: str = ""

    @property
    def target(self) -> str:
        """Its path on the workspace, relative to the folder of the run."""
        return self.path.rpartition(".")[0] if self.kind == "notebook" else self.path


@dataclass(frozen=True, slots=True)
class Foreign:
    """A notebook or file of the workspace's own that a notebook takes: by an absolute path, or one that is computed (None).

    ``local`` is the project's file that the settings say is the same (one that isn't there: without suffix), "" where they say
    nothing. ``by`` is the notebook of the workspace's own that needs it, "" where it is named itself.
    """

    how: str
    target: str | None
    location: Location
    local: str = ""
    by: str = ""


class NotCompared(str):
    """A note that says what ran, or may have, as the workspace has it, and that nobody compared with the repository."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """A relative target that is no file here; the run itself fails on it, if it gets there."""

    how: str
    target: str
    location: Location


@dataclass(frozen=True, slots=True)
class Closure:
    """A notebook, or a script, with all that it needs of its project, sorted by path.

    ``inline`` are the paths of what is one program with it (what it ``%run``s and imports), with the widgets that these are
    given by it; ``handed`` are those that each start of another notebook gives that one, None where they are computed.
    """

    path: str
    parts: tuple[Part, ...]
    foreign: tuple[Foreign, ...] = ()
    missing: tuple[Missing, ...] = ()
    inline: Mapping[str, frozenset[str]] = field(default_factory=dict)
    handed: tuple[frozenset[str] | None, ...] = ()

    def given(self, path: str, widgets: Collection[str]) -> Collection[str]:
        """The widgets that a file of it is given, where the run is given ``widgets``: what is started gets other ones."""
        if path in self.inline or not self.handed:
            return {*widgets, *self.inline.get(path, ())}
        return frozenset.intersection(*(frozenset(widgets) if one is None else one for one in self.handed))

    @property
    def digest(self) -> str:
        """One digest of all parts, their paths and kinds."""
        whole = hashlib.sha256()
        for part in self.parts:
            whole.update(f"{part.path}\0{part.kind}\0{part.format}\0{part.digest}\n".encode())
        return whole.hexdigest()

    @property
    def place(self) -> str:
        """The name of its folder below the run's: closures of the same files share one, and nothing of any other lies there."""
        names = "".join(f"{part.path}\0{part.kind}\n" for part in self.parts)
        return hashlib.sha256(names.encode()).hexdigest()[:12]

    @property
    def first(self) -> Part:
        """The notebook, or the script, itself."""
        return next(part for part in self.parts if part.path == self.path)


def together(closures: Sequence[Closure]) -> Closure:
    """The files of several closures, as one that begins with the first's."""
    parts = {part.path: part for closure in closures for part in closure.parts}
    return Closure(closures[0].path, tuple(parts[path] for path in sorted(parts)))


def digest_of(data: bytes) -> str:
    """The digest that a part carries."""
    return hashlib.sha256(data).hexdigest()


def check_part(part: Part) -> None:
    """Refuse a file that a workspace can't hold.

    Raises:
        TooLargeError: It is larger than the import takes.
        WorkspaceNameError: A name in its path can't be on a workspace.
    """
    if part.size > LIMIT:
        clear = "clear its outputs, or " if part.format == "JUPYTER" else ""
        raise TooLargeError(
            f"the {part.kind} is too large for a workspace",
            cause=f"it has {part.size:,} bytes, and a workspace imports {LIMIT:,} at most",
            mend=f"{clear}move what is large out of it, to a volume",
            location=Location(part.path),
        )
    for name in part.target.split("/"):
        why = _why_not(name)
        if why:
            raise WorkspaceNameError(
                f"a workspace can't hold the name {name!r}",
                cause=why,
                mend="rename the file or folder",
                location=Location(part.path),
            )


def check_together(parts: Iterable[Part], *, known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Refuse parts that would be one on the workspace; gives what takes up each path there.

    ``known`` is what was there before, as this function gave it.

    Raises:
        CollisionError: A notebook, which has no suffix there, would have the path of another notebook, a file or a folder.
    """
    taken = dict(known or {})
    for part in parts:
        target = part.target
        folders = target.split("/")[:-1]
        for depth in range(len(folders)):
            folder = "/".join(folders[: depth + 1])
            holder = taken.setdefault(folder, f"{folder}/")
            if not holder.endswith("/"):
                raise _collision(folder, holder, f"{folder}/")
        holder = taken.setdefault(target, part.path)
        if holder != part.path:
            raise _collision(target, holder, part.path)
    return taken


def _collision(target: str, first: str, second: str) -> CollisionError:
    first, second = sorted((first, second))
    return CollisionError(
        f"{first} and {second} can't both be on a workspace",
        cause=f"both would be {target!r} there: a notebook has no suffix on a workspace",
        mend="rename one of them",
        location=Location(second if first.endswith("/") else first),
    )


def _why_not(name: str) -> str:
    if name != name.strip():
        return "it begins or ends with a blank"
    if any(unicodedata.category(character) == "Cc" for character in name):
        return "it holds a control character"
    if not name or name in {".", ".."}:
        return "it is no name"
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "it is no valid Unicode"
    return f"it has {size} bytes, and {NAME_LIMIT} are allowed" if size > NAME_LIMIT else ""
