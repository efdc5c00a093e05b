"""``nbh spark sql`` and ``nbh spark drop``: look at what was kept of a test, by a prompt or by one statement, and drop it."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import IO, TYPE_CHECKING, Any

from harness.catalog.names import literal
from harness.errors import KeptSpaceError
from harness.settings import settings_for
from harness.spark import choose, server
from harness.spark.kept import kept_spaces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from harness.spark.connect import ConnectSession
    from harness.spark.kept import Kept
    from harness.spark.server import Engine

ROWS = 100
"""How many rows are shown; more would hide what was asked."""


def look(folder: str, *, space: str, statement: str, as_json: bool, out: IO[str], tell: Callable[[str], None]) -> bool:
    """Run one statement, or those typed at a prompt, on what was kept; false if the one statement failed.

    Raises:
        KeptSpaceError: Nothing is kept under that name, or nothing at all.
    """
    engine, kept = _find(space)
    session = _open(folder, engine, space=kept.space)
    try:
        if kept.schema:
            catalog, _, schema = kept.schema.partition(".")
            session.spark.sql(f"USE {catalog}.{schema}")
        if statement:
            return _run(session.spark, statement, as_json=as_json, out=out, tell=tell)
        tell(f"kept of {kept.test}" + (f", in {kept.schema}" if kept.schema else ""))
        tell("end a statement with a semicolon; leave with Ctrl-D or quit")
        for typed in _typed():
            _run(session.spark, typed, as_json=as_json, out=out, tell=tell)
        return True
    finally:
        session.stop()


def drop(folder: str, *, names: Sequence[str], every: bool, as_json: bool, out: IO[str]) -> bool:
    """Drop what was kept, by the name of its space or of its test; all of it is dropped, or none where a name is wrong.

    Raises:
        KeptSpaceError: Nothing is kept under one of the names, or nothing at all.
    """
    found = _kept()
    wanted = [pair for pair in found if every or {pair[1].space, pair[1].test} & set(names)]
    for name in names:
        if not any(name in {kept.space, kept.test} for _, kept in wanted):
            raise _not_kept(name, found)
    for engine in {id(engine): engine for engine, _ in wanted}.values():
        session = _open(folder, engine, space="")
        try:
            for kept in [kept for other, kept in wanted if other is engine]:
                session.spark.sql(f"NBH DROP SPACE {literal(kept.space)}")
        finally:
            session.stop()
    if as_json:
        json.dump({"dropped": [{"space": kept.space, "test": kept.test} for _, kept in wanted]}, out, ensure_ascii=False)
        out.write("\n")
    else:
        out.writelines(f"dropped {kept.space}, kept of {kept.test}\n" for _, kept in wanted)
    return True


def _kept() -> list[tuple[Engine, Kept]]:
    found = [(engine, kept) for engine in server.all_engines(os.environ) for kept in kept_spaces(engine.folder)]
    if not found:
        raise KeptSpaceError(
            "nothing is kept",
            cause="no engine runs that has kept something of a test; it goes with the engine",
            mend="run the test again: pytest --nbh-keep failed",
        )
    return found


def _find(space: str) -> tuple[Engine, Kept]:
    found = _kept()
    if not space:
        return max(found, key=lambda pair: pair[1].at)
    for engine, kept in found:
        if kept.space == space:
            return engine, kept
    raise _not_kept(space, found)


def _not_kept(name: str, found: list[tuple[Engine, Kept]]) -> KeptSpaceError:
    return KeptSpaceError(
        f"nothing is kept under {name!r}",
        cause="there are " + ", ".join(f"{kept.space} ({kept.test})" for _, kept in found),
        mend="name one of these, or run the test again: pytest --nbh-keep failed",
    )


def _open(folder: str, engine: Engine, *, space: str) -> ConnectSession:
    """A session on that very engine, whatever the settings here would choose; without a space it gets an empty one."""
    from harness.spark.connect import ConnectSession

    wishes = choose.wishes_of(settings_for(os.path.join(folder, "x")))
    return ConnectSession(wishes, lambda: engine, roots=[], space=space)


def _typed() -> Iterator[str]:
    """What is typed: statements that end with a semicolon, over as many lines as they take."""
    with contextlib.suppress(ImportError):  # not on every system
        import readline  # noqa: F401 -- gives input() its history and editing
    lines: list[str] = []
    while True:
        try:
            line = input("....> " if lines else "sql> ") if sys.stdin.isatty() else input()
        except EOFError:
            line = "quit" if not lines else ";"
        except KeyboardInterrupt:
            lines = []
            sys.stderr.write("\n")
            continue
        if not lines and line.strip().lower().rstrip(";") in {"quit", "exit"}:
            return
        lines.append(line)
        if line.rstrip().endswith(";"):
            text = "\n".join(lines).strip().rstrip(";")
            lines = []
            if text:
                yield text


def _run(spark: Any, statement: str, *, as_json: bool, out: IO[str], tell: Callable[[str], None]) -> bool:
    from pyspark.errors import PySparkException

    try:
        frame = spark.sql(statement.strip().rstrip(";"))
        rows = frame.limit(ROWS + 1).collect() if frame.columns else []
    except PySparkException as error:
        tell(str(error).split("\n\nJVM stacktrace:")[0].strip())
        return False
    if as_json:
        json.dump([row.asDict(recursive=True) for row in rows[:ROWS]], out, ensure_ascii=False, default=str)
        out.write("\n")
    elif frame.columns:
        _draw(frame.columns, rows[:ROWS], out)
    if len(rows) > ROWS:
        tell(f"these are the first {ROWS} rows")
    return True


def _draw(columns: list[str], rows: list[Any], out: IO[str]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD)
    for name in columns:
        table.add_column(Text(name), overflow="fold")
    for row in rows:
        table.add_row(*(Text("NULL" if value is None else str(value)) for value in row))
    Console(file=out).print(table)
