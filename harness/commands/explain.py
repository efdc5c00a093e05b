"""``nbh explain``: what docs/errors.md says of an error, for those who have the package without its repository."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

from harness.errors import SettingsError

_PACKAGE = Path(__file__).parent.parent
# A wheel carries the page inside the package; in a checkout it lies beside it.
_PLACES = (_PACKAGE / "docs" / "errors.md", _PACKAGE.parent / "docs" / "errors.md")
_SECTION = re.compile(r"^## (NBH\d+)\n+(.*?)\s*(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[([^\]]+)\]\([^)\s]+\)")


def explain(code: str) -> str:
    """Give what there is to know of an error, by its code.

    Raises:
        SettingsError: There is no such code.
    """
    page = next(place for place in _PLACES if place.is_file()).read_text(encoding="utf-8")
    sections = dict(_SECTION.findall(page))
    wanted = code.upper()
    if wanted not in sections:
        near = get_close_matches(wanted, sections, n=1, cutoff=0.8)  # one digit off
        raise SettingsError(
            f'there is no error "{code}"',
            cause=f"{len(sections)} have a code, from {min(sections)} to {max(sections)}",
            mend=f'did you mean "{near[0]}"?' if near else "give the code as the error shows it: nbh explain NBH102",
        )
    return f"{wanted}\n\n" + _LINK.sub(r"\1", sections[wanted]).replace("**", "")
