"""Names of Unity Catalog objects: which are allowed, how they are quoted, and fresh ones that nobody else has."""

from __future__ import annotations

import re
import secrets
import string
from difflib import get_close_matches
from typing import TYPE_CHECKING

from harness.errors import ObjectNameError

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST = 255
_ALPHABET = string.ascii_lowercase + string.digits
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FORBIDDEN = re.compile(r"[./ \x00-\x1f\x7f]")


def checked(name: str, *, kind: str) -> str:
    """The name as Unity Catalog keeps it: in lower case.

    Raises:
        ObjectNameError: It is empty, too long, or has a character that no name may have.
    """
    what = f"this can't be a {kind}'s name"
    if not name:
        raise ObjectNameError(what, cause="it is empty", mend="leave it out for a fresh name, or give at least one character")
    if len(name) > LONGEST:
        raise ObjectNameError(
            what, cause=f"it has {len(name)} characters: {name[:40]!r}…", mend=f"take at most {LONGEST} characters"
        )
    bad = _FORBIDDEN.search(name)
    if bad:
        mend = "take another character"
        if bad[0] == "." and kind != "catalog":
            mend = "give its parts apart: catalog_name=…, " + ("schema_name=…, " if kind != "schema" else "") + "name=…"
        raise ObjectNameError(what, cause=f"{name!r} has {bad[0]!r} in it, which no name may have", mend=mend)
    return name.lower()


def quote(*parts: str) -> str:
    """The full name for SQL: a part that is no plain word stands in backticks."""
    return ".".join(part if _PLAIN.fullmatch(part) else "`" + part.replace("`", "``") + "`" for part in parts)


def split(full: str) -> tuple[str, ...]:
    """The parts of a full name as SQL writes it, without their backticks.

    Raises:
        ObjectNameError: It is no name of one to three parts.
    """
    parts = re.findall(r"`((?:[^`]|``)+)`|([^`.]+)|(\.\.|^\.|\.$|`)", full)
    if not 1 <= len(parts) <= 3 or any(odd for _, _, odd in parts):  # noqa: PLR2004 -- catalog, schema, name
        raise ObjectNameError(
            "this is no name of an object", cause=f"it is {full!r}", mend="write name, schema.name or catalog.schema.name"
        )
    return tuple(quoted.replace("``", "`") if quoted else plain for quoted, plain, _ in parts)


def random_text(length: int) -> str:
    """Lower-case letters and digits that begin with a letter, so that they are a name without quotes."""
    if length < 1:
        raise ObjectNameError("a random name needs a length", cause=f"it is {length}", mend="give at least 1")
    first = secrets.choice(string.ascii_lowercase)
    return first + "".join(secrets.choice(_ALPHABET) for _ in range(length - 1))


def fresh(base: str) -> str:
    """A name that says whose it is and that nobody else has; a plain word whatever the base is."""
    told = re.sub(r"[^a-z0-9]+", "_", base.lower()).strip("_")[:40].rstrip("_")
    return f"{told}_{random_text(8)}" if told and not told[0].isdigit() else f"nbh_{told}_{random_text(8)}".replace("__", "_")


def literal(text: str) -> str:
    """A text for SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def near_miss(wrong: str, known: Iterable[str]) -> str:
    """What was probably meant, and what there is, as the mend of an error."""
    names = sorted(known)
    near = get_close_matches(wrong.lower(), names, n=1)
    shown = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")  # noqa: PLR2004 -- more would hide the first
    return (f'did you mean "{near[0]}"? ' if near else "") + f"known: {shown or 'none'}"
