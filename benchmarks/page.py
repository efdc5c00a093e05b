"""Keep the results in a page of the documentation, each command's between its own marks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def replace_between(file: Path, text: str, command: str) -> None:
    """Put the text between the marks for this command; the marks are added where the file has none."""
    begin, end = f"<!-- begin {command} -->", f"<!-- end {command} -->"
    old = file.read_text(encoding="utf-8") if file.exists() else f"# Benchmarks\n\n{begin}\n{end}\n"
    if begin not in old:
        old = f"{old.rstrip()}\n\n{begin}\n{end}\n"
    head, _, rest = old.partition(begin)
    _, _, tail = rest.partition(end)
    file.write_text(f"{head}{begin}\n{text}\n{end}{tail}", encoding="utf-8")
