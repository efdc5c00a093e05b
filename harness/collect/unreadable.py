"""What a test file holds but can't be collected from, as an item that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness.collect.session import SESSION

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr

    from harness.errors import HarnessError


class Unreadable(pytest.Item):
    """What a test notebook holds but can't be collected from: fails with the reason, so that it isn't silently left out."""

    def __init__(self, *, error: HarnessError, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.error = error

    def runtest(self) -> None:
        """Fail with the reason."""
        raise self.error

    def repr_failure(
        self,
        excinfo: pytest.ExceptionInfo[BaseException],
        style: Any = None,  # noqa: ARG002 - pytest's signature
    ) -> str | TerminalRepr:
        """Show our error without a traceback of ours."""
        return str(excinfo.value)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Give file and line for reports."""
        line = self.error.location.line if self.error.location is not None else None
        return self.path, (line - 1) if line else None, self.name


def shown(node: pytest.Collector | pytest.Item, error: HarnessError) -> HarnessError:
    """Give an error that names a line of code the place as users see it: its path from the root, and its cell in a notebook."""
    place, loader = error.location, node.config.stash[SESSION].loader
    if place is not None and place.line is not None:
        source = loader.known(place.path)
        error.location = loader.shown(source.locate(place.line) if source is not None else place)
    return error
