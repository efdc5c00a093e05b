"""Whether a value that a test gives for a widget is meant for another one: by the text, nothing is run."""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from harness.errors import HarnessError, WidgetNotDefinedError
from harness.extract.run import find_target, parse_run
from harness.model import Location
from harness.notebook import read_notebook
from harness.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Collection

    from harness.model import Notebook
    from harness.settings import Settings

_DEFINED = re.compile(
    r"""widgets\s*\.\s*(?:text|dropdown|combobox|multiselect)\s*\(\s*(?:name\s*=\s*)?(["'])(?P<python>[^"'\n]+)\1"""
    r"|CREATE\s+WIDGET\s+\w+\s+(?P<sql>\w+)",
    re.IGNORECASE,
)
_ALL = "getAll"


def check_names(path: str, given: Collection[str], *, root: str) -> None:
    """See that no value which a test gives goes past the widget that it is meant for, whose default would be tested.

    Only where nothing names the widget at all, and one with nearly that name is defined and not given: a notebook may be given
    more than it asks for.

    Raises:
        WidgetNotDefinedError: One does.
    """
    notebooks = _with_what_it_runs(path, settings_for(path))
    texts = [cell.source for notebook in notebooks or () for cell in notebook.cells]
    if any(_ALL in text for text in texts):
        return
    defined = sorted({found["python"] or found["sql"] for text in texts for found in _DEFINED.finditer(text)})
    for name in given:
        near = get_close_matches(name, [one for one in defined if one not in given], n=1)
        if near and not any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for text in texts):
            raise WidgetNotDefinedError(
                f'no widget "{name}" is asked for',
                cause=f"a value is given for it, and nothing names it; defined here: {', '.join(defined)}",
                mend=f'did you mean "{near[0]}"?',
                location=Location(os.path.relpath(path, root).replace(os.sep, "/")),
            )


def _with_what_it_runs(path: str, settings: Settings) -> list[Notebook] | None:
    """A notebook and all that it ``%run``s; None where one of them can't be had."""
    found: dict[str, Notebook] = {}
    left = [os.path.abspath(path)]
    while left:
        here = left.pop()
        if here in found:
            continue
        try:
            found[here] = read_notebook(here)
        except HarnessError:
            return None
        for line in (magic.argument for cell in found[here].cells for magic in cell.magics if magic.name == "run"):
            target = find_target(parse_run(line).target, beside=here, prefixes=settings.run_prefixes, root=settings.folder)
            if target is None:
                return None
            left.append(os.path.abspath(target))
    return [*found.values()]
