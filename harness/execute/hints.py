"""What is said of a failed run beside its error, where the error alone leads astray."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_UNBOUND = re.compile(r"\[UNBOUND_SQL_PARAMETER\] Found the unbound parameter: (\w+)")
_LEFT = "[PARSE_SYNTAX_ERROR] Syntax error at or near '$'"
_NOT_FOUND = re.compile(r"Path does not exist: dbfs:(/.+?)\. SQLSTATE")
_NO_WORKSPACE = re.compile(r"No such file or directory: '(?:file:)?(/Workspace/[^']+)'")

_MARK = "hint: "


def with_hint(error: str, *, mapped: Collection[str] = ()) -> str:
    """An error's text, with a line more where there is something to say; ``mapped`` are known folders below ``/Workspace``."""
    said = _hint(error, mapped)
    return hinted(error, said) if said else error


def hinted(error: str, said: str) -> str:
    """An error's text with this said beside it."""
    return f"{error}\n{_MARK}{said}"


def hint_of(error: str) -> str:
    """What was said so; "" if nothing was."""
    return next((line.removeprefix(_MARK) for line in error.splitlines()[::-1] if line.startswith(_MARK)), "")


def _hint(error: str, mapped: Collection[str]) -> str:
    found = _NOT_FOUND.search(error)
    if found is not None and os.path.exists(found[1]):
        return (
            f"this machine has {found[1]}, but in a notebook that is run whole a path without a scheme is one of dbfs, as on "
            f"Databricks: put the file into dbfs or a volume first, or name it file:{found[1]}"
        )
    found = _NO_WORKSPACE.search(error)
    if found is not None and not any(found[1].startswith(f"/Workspace{folder}/") for folder in mapped):
        return (
            f"where {found[1]} is in the repository the setting run_prefixes says, by one of the folders that hold it: "
            f'[tool.nbh] run_prefixes = {{ "{os.path.dirname(found[1])}" = "." }}'
        )
    unset = _UNBOUND.search(error)
    if unset is not None:
        return f"no widget has the name {unset[1]}, whose value was to stand there: give it by widgets, or by -p {unset[1]}=…"
    if _LEFT in error:
        return "a ${name} is left in the statement where no widget has that name: give it by widgets, or by -p name=…"
    return ""
