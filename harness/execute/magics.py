"""The magics of a Databricks notebook, as IPython runs them in a kernel of ours."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any, ClassVar

from harness.execute.hints import MARK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.execute.kernel import Runner

_LAST = "_sqldf"
"""What the rows of the last ``%sql`` cell are called."""

_VARIABLE = re.compile(r"\$\{([^}\s]+)\}")
_BARE = re.compile(r"(?<![\\\w$])\$([A-Za-z_]\w*)")
_MARKER = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)")
_SCRIPT = re.compile(r"BEGIN\b(?!\s*(?:TRANSACTION\b|WORK\b|;|$))", re.IGNORECASE)

_WIDGET = re.compile(
    r"CREATE\s+WIDGET\s+(?P<kind>TEXT|DROPDOWN|COMBOBOX|MULTISELECT)\s+(?P<name>\w+)\s+DEFAULT\s+(?P<quote>['\"])(?P<value>.*?)(?P=quote)"
    r"(?:\s+CHOICES\s+(?P<choices>.+))?",
    re.IGNORECASE | re.DOTALL,
)
_NO_WIDGET = re.compile(r"REMOVE\s+WIDGET\s+(\w+)", re.IGNORECASE)


class UnsupportedError(Exception):
    """A cell can't run here; the text says why. ``heard`` is told of each as it is made, as for `DbutilsCallError`."""

    heard: ClassVar[Callable[[Exception], None] | None] = None

    def __init__(self, why: str) -> None:
        super().__init__(why)
        if UnsupportedError.heard is not None:
            UnsupportedError.heard(self)


def install(shell: Any, runner: Runner) -> None:
    """Register them in the shell, over IPython's own of the same names.

    IPython would put the notebook's variables in the place of ``$name`` and ``{name}``. Databricks doesn't: there ``$name`` is
    a parameter of ``%run``'s, whatever is named so beside it.
    """
    from IPython.core.magic import no_var_expand

    from harness.execute import pip as of_pip
    from harness.execute import shell as of_shell

    job = runner.job

    def run(line: str) -> None:
        runner.run_other(line)

    def sql(line: str, cell: str = "") -> Any:
        return run_sql(shell, runner, f"{line}\n{cell}" if cell else line)

    def fs(line: str, cell: str = "") -> None:
        from harness.execute.fs_magic import run_fs

        run_fs(runner, f"{line}\n{cell}")

    def nbh_unsupported(line: str) -> None:
        raise UnsupportedError(line)

    def refuse(why: str) -> Any:
        def magic(line: str, cell: str = "") -> None:  # noqa: ARG001 -- IPython's own signature
            nbh_unsupported(why)

        return magic

    def nothing(line: str, cell: str = "") -> None:
        """A text for people, or what is about how outputs are shown."""

    def pip(line: str) -> None:
        of_pip.run_pip(line, site=job.site, may_install="pip" in job.allow)

    for magic in (run, sql, fs, nbh_unsupported):
        no_var_expand(magic)
    manager = shell.magics_manager
    manager.register_function(run, "line", "run")
    manager.register_function(pip, "line", "pip")
    manager.register_function(lambda _line: runner.restart(), "line", "restart_python")
    manager.register_function(lambda _line: runner.go_on(), "line", "nbh_go_on")
    manager.register_function(lambda _line: runner.settle(), "line", "nbh_settle")
    manager.register_function(lambda _line: runner.run_script(), "line", "nbh_script")
    manager.register_function(nbh_unsupported, "line", "nbh_unsupported")
    # Of Databricks alone; nothing is cut here. See https://docs.databricks.com/notebooks/notebook-limitations.html
    manager.register_function(nothing, "line", "set_cell_max_output_size_in_mb")
    manager.register_function(refuse("%conda is in no runtime of Databricks since 9.0; use %pip"), "line", "conda")
    for kind in ("line", "cell"):
        manager.register_function(sql, kind, "sql")
        manager.register_function(fs, kind, "fs")
        for name in ("md", "md-sandbox"):
            manager.register_function(nothing, kind, name)
        for name in ("scala", "r"):
            manager.register_function(refuse(f"%{name} isn't served here yet"), kind, name)
    of_shell.install(shell, job, pip=pip)


def run_sql(shell: Any, runner: Runner, text: str) -> Any:
    """Run the statements of a ``%sql`` cell, one after the other; the last one's rows are shown, and are ``_sqldf``.

    The others' are read too: a query that nobody reads isn't run, and a check such as ``SELECT assert_true(…)`` would pass.
    """
    import sqlparse

    from harness.execute.shown import display, head

    widgets = runner.dbutils.widgets
    unknown = [name for name in _VARIABLE.findall(text) if widgets.find(name) is None]
    text = _VARIABLE.sub(lambda found: found[0] if (value := widgets.find(found[1])) is None else value, text)
    frame = None
    # A script is all of its cell, and Spark reads it better than sqlparse, which ends a REPEAT in its middle.
    is_script = "begin" in text.lower() and _SCRIPT.match(_without_comments(text).strip()) is not None
    for statement in [text] if is_script else sqlparse.split(text):
        plain = _without_comments(statement).strip().rstrip(";").strip()
        if not plain:
            continue
        if not is_script and _SCRIPT.match(plain) is not None:
            raise UnsupportedError("a script (BEGIN … END) beside other statements: on Databricks it has a cell of its own")
        if runner.spark is None:
            raise UnsupportedError("%sql without Spark")
        if (argument := _argument(plain)) is not None:
            raise UnsupportedError(
                f"getArgument in SQL isn't served here, as what today's runtimes make of it isn't documented: write :{argument}"
            )
        if (bare := next((name for name in _BARE.findall(plain) if widgets.find(name) is not None), None)) is not None:
            what = "isn't served here, as what today's runtimes make of it isn't documented"
            raise UnsupportedError(f"${bare} in SQL {what}: write :{bare} or ${{{bare}}}")
        if _about_widgets(runner, plain):
            continue
        if frame is not None and frame.columns:
            head(frame)
        named = {name: value for name in _MARKER.findall(plain) if (value := widgets.find(name)) is not None}
        text, earlier = _bound(statement.strip().rstrip(";"), shell.user_ns.get(_LAST))
        with _telling_of(unknown, runner):
            frame = runner.spark.sql(text, **({"args": named} if named else {}), **earlier)
    if frame is not None:
        shell.user_ns[_LAST] = frame
        if frame.columns:
            # https://docs.databricks.com/notebooks/notebooks-code: later Python and SQL cells find it by that name.
            frame.createOrReplaceTempView(_LAST)
            display(frame)


@contextlib.contextmanager
def _telling_of(unknown: list[str], runner: Runner) -> Iterator[None]:
    """Say of a statement's error which ``${name}`` nobody gave: Spark puts nothing in its place, and says nothing of it."""
    try:
        yield
    except Exception as error:
        with contextlib.suppress(Exception):  # where Spark itself is lost there is nothing to add
            name = next((name for name in unknown if runner.spark.conf.get(name, None) is None), None)
            if name is not None:
                is_new = runner.dbutils.widgets.find(name) is not None
                why = (
                    "its widget is made in this very cell: make it in one before"
                    if is_new
                    else f"give the widget, or -p {name}=…"
                )
                error.add_note(f"{MARK}${{{name}}} was empty, as no widget had that name: {why}")
        raise


def _bound(statement: str, last: Any) -> tuple[str, dict[str, Any]]:
    """A query that reads ``_sqldf``, with the frame that the name means now: its result takes the name before it is read."""
    from sqlparse import lexer, tokens

    told = list(lexer.tokenize(statement))
    is_query = next((text.upper() for kind, text in told if kind in tokens.Keyword), "") in ("SELECT", "WITH", "FROM")
    if not is_query or not hasattr(last, "createOrReplaceTempView") or not any(_is_last(*one) for one in told):
        return statement, {}
    parts = (f"{{{_LAST}}}" if _is_last(kind, text) else text.replace("{", "{{").replace("}", "}}") for kind, text in told)
    return "".join(parts), {_LAST: last}


def _is_last(kind: Any, text: str) -> bool:
    from sqlparse import tokens

    return kind in tokens.Name and text.strip("`").lower() == _LAST


def _without_comments(statement: str) -> str:
    """The statement as its tokens are: sqlparse's own way groups them first, and refuses a long list of rows."""
    from sqlparse import lexer, tokens

    return "".join("\n" if kind in tokens.Comment else text for kind, text in lexer.tokenize(statement))


def _argument(statement: str) -> str | None:
    """The widget that a statement reads by ``getArgument("name")``, as SQL cells did before there were parameter markers."""
    from sqlparse import lexer

    if "getargument" not in statement.lower():  # most have none, and some are long
        return None
    words: list[str] = [text for _, text in lexer.tokenize(statement) if text.strip()]
    for name, opens, argument in zip(words, words[1:], words[2:], strict=False):
        if name.lower() == "getargument" and opens == "(":
            return argument.strip("'\"")
    return None


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
