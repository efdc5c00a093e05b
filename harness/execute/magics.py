"""The magics of a Databricks notebook, as IPython runs them in a kernel of ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.execute.kernel import Runner

_VARIABLE = re.compile(r"\$\{([^}\s]+)\}")
_MARKER = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)")

_WIDGET = re.compile(
    r"CREATE\s+WIDGET\s+(?P<kind>TEXT|DROPDOWN|COMBOBOX|MULTISELECT)\s+(?P<name>\w+)\s+DEFAULT\s+(?P<quote>['\"])(?P<value>.*?)(?P=quote)"
    r"(?:\s+CHOICES\s+(?P<choices>.+))?",
    re.IGNORECASE | re.DOTALL,
)
_NO_WIDGET = re.compile(r"REMOVE\s+WIDGET\s+(\w+)", re.IGNORECASE)


class UnsupportedError(Exception):
    """A cell can't run here; the text says why."""


def install(shell: Any, runner: Runner) -> None:
    """Register them in the shell, over IPython's own of the same names."""

    def run(line: str) -> None:
        runner.run_other(line)

    def sql(line: str, cell: str = "") -> Any:
        return run_sql(shell, runner, f"{line}\n{cell}" if cell else line)

    def fs(line: str, cell: str = "") -> None:
        from harness.execute.fs_magic import run_fs

        run_fs(runner, f"{line}\n{cell}")

    def nbh_unsupported(line: str) -> None:
        raise UnsupportedError(line)

    def refuse(name: str) -> Any:
        def magic(line: str, cell: str = "") -> None:  # noqa: ARG001 -- IPython's own signature
            nbh_unsupported(f"%{name} isn't served here yet")

        return magic

    def nothing(line: str, cell: str = "") -> None:
        """A text for people."""

    manager = shell.magics_manager
    manager.register_function(run, "line", "run")
    manager.register_function(nbh_unsupported, "line", "nbh_unsupported")
    for kind in ("line", "cell"):
        manager.register_function(sql, kind, "sql")
        manager.register_function(fs, kind, "fs")
        for name in ("md", "md-sandbox"):
            manager.register_function(nothing, kind, name)
        for name in ("sh", "scala", "r", "bash", "script"):
            manager.register_function(refuse(name), kind, name)
    for name in ("pip", "conda", "restart_python"):
        manager.register_function(refuse(name), "line", name)
    shell.system = lambda line: nbh_unsupported(f"! runs a shell, which isn't served here yet: {line[:60]}")
    shell.getoutput = shell.system


def run_sql(shell: Any, runner: Runner, text: str) -> Any:
    """Run the statements of a ``%sql`` cell, one after the other; the last one's rows are shown, and are ``_sqldf``."""
    import sqlparse

    from harness.execute.shown import display

    widgets = runner.dbutils.widgets.getAll()
    text = _VARIABLE.sub(lambda found: widgets.get(found[1], found[0]), text)
    frame = None
    for statement in sqlparse.split(text):
        plain = sqlparse.format(statement, strip_comments=True).strip().rstrip(";").strip()
        if not plain:
            continue
        if runner.spark is None:
            raise UnsupportedError("%sql without Spark")
        if _about_widgets(runner, plain):
            continue
        widgets = runner.dbutils.widgets.getAll()
        named = {name: widgets[name] for name in _MARKER.findall(plain) if name in widgets}
        frame = runner.spark.sql(statement.strip().rstrip(";"), **({"args": named} if named else {}))
    if frame is not None:
        shell.user_ns["_sqldf"] = frame
        if frame.columns:
            display(frame)


def _about_widgets(runner: Runner, statement: str) -> bool:
    """Do what a statement of Databricks' about widgets says; false if it is none."""
    made, gone = _WIDGET.fullmatch(statement), _NO_WIDGET.fullmatch(statement)
    if made is not None:
        define = getattr(runner.dbutils.widgets, made["kind"].lower())
        choices = [[str(row[0]) for row in runner.spark.sql(made["choices"]).collect()]] if made["choices"] else []
        define(made["name"], made["value"], *choices)
    elif gone is not None:
        runner.dbutils.widgets.remove(gone[1])
    return made is not None or gone is not None
