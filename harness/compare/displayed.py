"""One output of a notebook's cell as text that leaves nothing of it out."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from typing import TYPE_CHECKING, Any

from harness.compare.values import shown
from harness.model import TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

_NO_TEXT = re.compile(r"<IPython\.core\.display\.\w+ object>")

# pandas' marks of what it leaves out: a cell of dots, a line of such cells, and a size, told only where not all stand.
_DOTS = re.compile(r"(?m)(?:^|(?<=\s))\.{2,3}(?=\s|,|$)")
_LINE_OF_DOTS = re.compile(r"(?m)^ *\.{2,3}(?: +\.{2,3})*$")
_SIZE = re.compile(r"(?m)^\[\d+ rows x \d+ columns\]$|^(?:\w.*, )?Length: \d+(?:, |$)|\blength=\d+(?:, freq=\S+)?\)$")
_SERIES = re.compile(r"(?m)^(?:\w.*, )?dtype: .+\Z")
_LONG = re.compile(r"(?m)\.\.\.$")

_OF_PANDAS = 'class="dataframe"'
_DOTS_IN_HTML = re.compile(r"\.\.\.</t[dh]>")


class CutError(ValueError):
    """The output's text holds less than what was shown; the error says what it leaves out."""


def told_whole(output: Mapping[str, Any]) -> str:
    """Give an output as text: a table by all its rows, a picture, or what else has no text, by its digest.

    Raises:
        CutError: pandas has left out some of it, and the output holds it nowhere else.
    """
    if output["output_type"] == "stream":
        return _whole(str(output["text"]))
    if output["output_type"] == "error":
        return f"{output['ename']}: {output['evalue']}"
    data = dict(output.get("data", {}))
    plain = str(data.pop("text/plain", ""))
    held = (output.get("metadata") or {}).get(TABLE)
    if isinstance(held, dict) and held.get("type") == "table":
        plain = _rows_of(held)
    elif _NO_TEXT.fullmatch(plain.strip()) and data:
        plain = str(data.pop("text/html", data.pop("text/markdown", "")))
    else:
        plain = _of_value(plain.rstrip("\n"), str(data.get("text/html", "")))
    # What is text in another form stands there already.
    digests = (f"<{kind} {_digest(data[kind])}>" for kind in sorted(data) if not kind.startswith("text/"))
    return "\n".join([*([plain.rstrip("\n")] if plain else []), *digests])


def _rows_of(held: Mapping[str, Any]) -> str:
    """A table that the output's metadata hold: its columns' names, and each of its rows."""
    lines = [" | ".join(str(column["name"]) for column in held["schema"])]
    lines += [" | ".join(map(shown, row)) for row in held["data"]]
    if not held["data"]:
        lines.append("(no rows)")
    if held.get("overflow"):
        lines.append(f"(cut: the notebook shows no more than these {len(held['data'])} rows, and there are more)")
    return "\n".join(lines)


def _of_value(plain: str, as_html: str) -> str:
    if _OF_PANDAS not in as_html:
        if _LINE_OF_DOTS.search(plain) or (_SERIES.search(plain) and _LONG.search(plain)):
            raise CutError("rows, or the end of a long value")
        return _whole(plain)
    if _DOTS_IN_HTML.search(as_html):
        raise CutError("rows, columns, or the end of a long value")
    return as_html if _DOTS.search(plain) else plain  # the text's lines are short ones; the HTML has room for more columns


def _whole(text: str) -> str:
    """The same text, if no value of pandas' is cut in it."""
    if _SIZE.search(text) and _DOTS.search(text):
        raise CutError("rows or columns")
    return text


def _digest(content: Any) -> str:
    if isinstance(content, str):
        try:
            raw = b64decode(content, validate=True)
        except ValueError:
            raw = content.encode()
    else:
        raw = shown(content).encode()
    return f"sha256 {hashlib.sha256(raw).hexdigest()[:16]}"
