"""Code that stands under a cell magic: it is run from there, and told at its own lines all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.execute.kernel import Runner

_TIMED = frozenset(("<timed exec>", "<timed eval>"))
"""The names that ``%%time`` gives to what it compiles; all else is compiled under the notebook's path."""

_UNNAMED = "<unknown>"
"""The name that IPython's parser gives to code for which it was told none."""


def keep_lines_under_magics(shell: Any, runner: Runner) -> None:
    """Have it compiled under the notebook's path, at lines that begin one below the magic's."""
    run = shell.run_cell_magic

    def run_below(name: str, line: str, cell: str) -> Any:
        with runner.one_line_down():
            return run(name, line, cell)

    class Compiler(type(shell.compile)):  # type: ignore[misc]  # the library has no types that mypy reads
        def __call__(self, source: Any, filename: str, symbol: str) -> Any:
            return super().__call__(source, runner.path if filename in _TIMED else filename, symbol)

        def ast_parse(self, source: str, filename: str = _UNNAMED, symbol: str = "exec") -> Any:
            path = runner.path if filename == _UNNAMED else filename
            try:
                return super().ast_parse(source, path, symbol)
            except SyntaxError as exc:
                if exc.filename == runner.path:
                    runner.shift_error(exc)
                raise

    shell.run_cell_magic = run_below
    shell.compile.__class__ = Compiler
