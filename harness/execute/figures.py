"""Figures of matplotlib that ``display`` has shown: once is enough."""

from __future__ import annotations

import sys
from typing import Any

_shown: list[Any] = []


def note(value: object) -> None:
    """Note what has been shown, if it is a figure."""
    drawing = sys.modules.get("matplotlib.figure")
    if drawing is not None and isinstance(value, drawing.Figure):
        _shown.append(value)


def close_shown() -> None:
    """At a cell's end: have Jupyter's backend not show them again, which then shows and closes all figures that are open.

    Where ``%config InlineBackend.close_figures = False`` has it keep them open, they are left to it.
    """
    backend = sys.modules.get("matplotlib_inline.backend_inline")
    if _shown and backend is not None and backend.InlineBackend.instance().close_figures:
        for figure in _shown:
            sys.modules["matplotlib.pyplot"].close(figure)
    _shown.clear()
