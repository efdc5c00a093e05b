"""The variables of a bundle, ``${var.catalog}``, as far as they can be known without asking a workspace.

See https://docs.databricks.com/dev-tools/bundles/variables.html. What can't be known is an error, and never an empty text.
"""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from harness.jobs import git
from harness.jobs.errors import JobVariableError
from harness.jobs.resources import Prefixed
from harness.jobs.written import Written, place_of, written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_VARIABLE = re.compile(r"\$\{([^{}$]+)\}")
FILES = "${workspace.file_path}"
"""Stands in what a task is given for the folder that a workspace has the bundle's files in, until that is known."""

ROOT = "${workspace.root_path}"
FILES_BY_ROOT = f"{ROOT}/files"
"""Where that folder is, unless the bundle says otherwise."""

_FILES, _ROOT = "workspace.file_path", "workspace.root_path"
_ELSEWHERE = ("root_path", "artifact_path", "state_path", "resource_path")
"""Folders that a deployed bundle has besides, and a copy of a job hasn't."""

_GIT = "bundle.git."
_OF_TARGET = ("bundle.target", "bundle.environment")
_OF_USER: Mapping[str, Callable[[str], str]] = {
    "workspace.current_user.userName": str,
    # What stands before the @, with other signs than letters, digits and _ made a _: as a bundle's command line makes it.
    "workspace.current_user.short_name": lambda name: re.sub(r"\W", "_", name.partition("@")[0]),
}


@dataclass(frozen=True, slots=True)
class LookedUp:
    """A variable's value that a workspace is asked for: ``what`` is the kind of thing, with the name that it has.

    Without that it is one that the bundle declares, and that nothing gives a value.
    """

    what: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Variables:
    """What is known: ``values`` by full name, "var.catalog". ``path`` is the bundle's file, from ``root``.

    ``user`` gives the name of who runs; it is asked only where a value needs it, for a workspace has to be signed in to first.
    ``files_by_root`` is how a path in the folder of the bundle's files may begin, too: the bundle says where it lies.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    path: str = ""
    root: str = ""
    user: Callable[[], str] | None = None
    files_by_root: str = FILES_BY_ROOT

    def resolve(self, value: Any, *, files: str = "", above: str = "") -> Any:
        """Give a value with all its variables in their places.

        Args:
            value: What is written: a text, or names and lists with texts in them.
            files: The folder that has the bundle's files, where one may ask for it; `FILES` leaves it open.
            above: The one that has that as its "files", for ``${workspace.root_path}``; `ROOT` leaves it open.

        Raises:
            JobVariableError: One has no value, or leads back to itself.
        """
        known = {**self.values, _FILES: files} if files else {**self.values}
        if above and self.files_by_root == FILES_BY_ROOT:
            known[_ROOT] = above
        return self._resolve(value, known, ())

    def _resolve(self, value: Any, known: Mapping[str, Any], above: tuple[str, ...]) -> Any:
        if isinstance(value, dict):
            return {key: self._resolve(held, known, above) for key, held in value.items()}
        if isinstance(value, list):
            return [self._resolve(held, known, above) for held in value]
        if not isinstance(value, str) or "${" not in value:
            return value
        if _FILES in known:  # files are put there
            value = _placed(self._by_name(value), value)
        if _ROOT in known and f"{ROOT}/" in value:  # of what else it has there is nothing
            known = {name: held for name, held in known.items() if name != _ROOT}
        whole = _VARIABLE.fullmatch(value.strip())
        if whole is not None:
            found = self._value(whole[1].strip(), value, known, above)
            return _placed(found, value) if isinstance(found, str) else found
        text = _VARIABLE.sub(lambda one: as_text(self._value(one[1].strip(), value, known, above)), value)
        return _placed(text, value)

    def _by_name(self, text: str) -> str:
        """A text with the folder of the bundle's files by its own name."""
        return re.sub(re.escape(self.files_by_root) + r"(?![\w.-])", FILES, text) if self.files_by_root else text

    def _value(self, name: str, where: str, known: Mapping[str, Any], above: tuple[str, ...]) -> Any:
        if name in above:
            raise self._unknown(name, where, known, "it leads back to itself: " + " -> ".join((*above, name)))
        if name in _OF_USER and self.user is not None:
            return _OF_USER[name](self.user())
        if name in {_FILES, _ROOT} and name in known:
            return known[name]
        if name not in known:
            return self._of_git(name, where, known)
        found = known[name]
        if isinstance(found, LookedUp):
            asked = ", ".join(f"{kind} {self._resolve(its, known, (*above, name))}" for kind, its in found.what.items())
            cause = (
                f"a workspace is to be asked for it: {asked}" if asked else "the bundle declares it, and nothing gives it one"
            )
            raise self._unknown(name, where, known, cause)
        if isinstance(found, Prefixed):
            prefix, own = self._resolve([found.prefix, found.name], known, (*above, name))
            return found.put(str(prefix), as_text(own))
        return self._resolve(found, known, (*above, name))

    def _of_git(self, name: str, where: str, known: Mapping[str, Any]) -> str:
        own = name.removeprefix(_GIT)
        if own == name or own not in git.NAMES or not self.path:
            raise self._unknown(name, where, known, "nothing gives it a value")
        try:
            return git.details_of(os.path.dirname(os.path.abspath(self.path)))[own]
        except git.NoRepositoryError as exc:
            raise self._unknown(name, where, known, f"git doesn't know it: {exc}") from exc

    def _unknown(self, name: str, where: str, known: Mapping[str, Any], cause: str) -> JobVariableError:
        own, of_git = name.removeprefix("var."), name.removeprefix(_GIT)
        mend = f"give it a default, or set BUNDLE_VAR_{own}" if name.startswith("var.") else "write what it stands for"
        # A resource that is there, or Git's, is what was meant: only what is asked of it isn't known.
        is_meant = name in known or name.rpartition(".")[0] in known or of_git in git.NAMES
        near = [] if is_meant else get_close_matches(name, known, n=1)
        if name.removeprefix("workspace.") in _ELSEWHERE:
            cause = "a copy isn't deployed, and has none of the bundle's folders there but that of its files"
            return self._error(name, where, cause, "write ${workspace.file_path}, if one of the bundle's files is meant")
        if name in _OF_TARGET:
            cause = "the bundle has several targets, of which none is the default, and none has the environment's name"
            return self._error(name, where, cause, "write default: true at one of its targets")
        if near:
            mend = f"did you mean ${{{near[0]}}}? if not, {mend}"
        elif of_git in git.NAMES:
            mend = f"run from a clone, or write {of_git} under bundle, git"
        return self._error(name, where, f"{cause}, and only a workspace knows others" if name not in known else cause, mend)

    def _error(self, name: str, where: str, cause: str, mend: str) -> JobVariableError:
        place = place_of(where, otherwise=self.path, root=self.root or ".")
        return JobVariableError(f"the variable ${{{name}}} has no value", cause=cause, mend=mend, location=place)


def as_text(value: Any) -> str:
    """A value within a text, and a parameter's, as Databricks' own command line has it: 1.0 is "1", and 1e3 is "1000"."""
    if isinstance(value, float) and math.isfinite(value):
        return format(Decimal(repr(value)).normalize(), "f")
    return value if isinstance(value, str) else json.dumps(value)


def _placed(text: str, like: str) -> str:
    return written(text, like.path, like.line, like.beside) if isinstance(like, Written) else text
