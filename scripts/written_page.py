"""What the scripts share that write a page of the documents from the code: they write it, or only compare it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

DOCS = Path(__file__).resolve().parents[1] / "docs"


def write_or_check(page: Path, wanted: Callable[[], str], *, about: str | None) -> int:
    """Write the page, or with --check say whether it is what the code gives; 0 is yes, and done."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the page isn't what the code gives")
    check = parser.parse_args().check
    text = wanted()
    if not check:
        page.write_text(text, encoding="utf-8")
        return 0
    if page.exists() and page.read_text(encoding="utf-8") == text:
        return 0
    name = Path(sys.argv[0]).stem
    print(f"{name}: docs/{page.name} is not up to date\n  mend: python scripts/{name}.py", file=sys.stderr)
    return 1
