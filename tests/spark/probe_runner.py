"""Asks a Spark session the probes of ``tests/data/probes`` and writes down each answer as plain data.

The test imports this for the warm engine; run as a script it asks plain classic Spark, in a process of its own.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import logging
import re
import sys
import warnings
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

PROBES = Path(__file__).parent.parent / "data" / "probes"


@dataclass(frozen=True)
class Probe:
    """One question: a statement, or a Python expression that was compiled. Settings hold for it alone."""

    text: str
    settings: dict[str, str] = field(default_factory=dict)
    code: Any = None
    time: int = 1

    @property
    def name(self) -> str:
        """What it is called in the list of differences."""
        settings = [f"[{name}={value}]" for name, value in self.settings.items()]
        return " ".join([self.text, *settings, *([f"({self.time})"] if self.time > 1 else [])])

    @property
    def is_ordered(self) -> bool:
        """Whether the order of the rows is part of the answer."""
        if self.code is not None:
            return ".orderBy(" in self.text or ".sort(" in self.text
        text = self.text
        while (outer := re.sub(r"\([^()]*\)", "", text)) != text:
            text = outer
        return "ORDER BY" in text


def groups() -> list[str]:
    """The files' names, in the order in which they are asked."""
    return sorted(path.name for path in PROBES.iterdir() if path.suffix in {".sql", ".py"})


def ask_group(name: str, spark: Any, folder: Path) -> dict[str, Any]:
    """Ask all probes of a file, in its order; gives answers by the probes' names."""
    answers: dict[str, Any] = {}
    probes, before = read_group(name)
    known = {"spark": spark, "folder": str(folder), "__name__": "__main__"}
    exec(before, known)
    for probe in probes:
        answers[probe.name] = json.loads(_scrubbed(json.dumps(_ask(probe, spark, known)), folder))
    return answers


def read_group(name: str) -> tuple[list[Probe], Any]:
    """The probes of a file, and the code to run before them."""
    text = (PROBES / name).read_text(encoding="utf-8")
    if name.endswith(".sql"):
        return _numbered(_statements(text)), compile("", name, "exec")
    tree = ast.parse(text)
    probes = [
        Probe(ast.get_source_segment(text, node) or "", code=compile(ast.Expression(node.value), f"<{name}>", "eval"))
        for node in tree.body
        if isinstance(node, ast.Expr)
    ]
    rest: list[ast.stmt] = [node for node in tree.body if not isinstance(node, ast.Expr)]
    return _numbered(probes), compile(ast.Module(rest, []), f"<{name}>", "exec")


def _statements(text: str) -> list[Probe]:
    probes: list[Probe] = []
    settings: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("-- set "):
            key, _, value = line.removeprefix("-- set ").partition(" = ")
            settings = {**settings, key: value}
        elif line.startswith("-- reset"):
            settings = {}
        elif line and not line.startswith("--"):
            probes.append(Probe(line, settings))
    return probes


def _numbered(probes: list[Probe]) -> list[Probe]:
    """The same, those that are asked again with a number: some ask whether something is gone."""
    seen: Counter[str] = Counter()
    for number, probe in enumerate(probes):
        seen[probe.name] += 1
        probes[number] = replace(probe, time=seen[probe.name])
    return probes


def _ask(probe: Probe, spark: Any, known: dict[str, Any]) -> Any:
    for name, value in probe.settings.items():
        spark.conf.set(name, value)
    printed = io.StringIO()
    try:
        # Connect hands on warnings of the engine's log; they are no part of an answer.
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = eval(probe.code, known) if probe.code is not None else spark.sql(probe.text)
            answer = _told(found, ordered=probe.is_ordered)
    except Exception as error:  # noqa: BLE001 -- whatever is thrown is the answer
        answer = _error(error)
    finally:
        for name in probe.settings:
            spark.conf.unset(name)
    return {**answer, "printed": printed.getvalue()} if printed.getvalue() else answer


def _error(error: Exception) -> dict[str, Any]:
    kinds = [base.__name__ for base in type(error).__mro__]
    # Connect adds Java's stack; all before it is the same text, with the place in the statement and the plan.
    message = str(error).partition("\n\nJVM stacktrace:")[0].strip()
    if kinds[0] in _UNTRANSLATED:
        # What one client or the other has no class for: all that both tell is Java's own text.
        message = re.sub(r"^An error occurred while calling .*\n: [\w.$]+: ", "", message).partition("\n\tat ")[0]
        return {"error": "no class for it", "message": re.sub(r"^\([\w.$]+\) ", "", message).strip()}
    told = {"error": kinds[0], "bases": [kind for kind in kinds if kind in _BASES], "message": message}
    if kinds[0] == "PythonException":
        # Of what failed in a worker Connect tells no condition, and words the heading in its own way.
        trace = message[message.find("Traceback") :].removesuffix(" SQLSTATE: 38000").strip()
        return {**told, "message": _frames(trace.replace("/python/lib/pyspark.zip/pyspark/", "/"))}
    if not hasattr(error, "getCondition"):
        return told
    with contextlib.suppress(NotImplementedError):
        told["context"] = [(str(context.contextType()), context.fragment()) for context in error.getQueryContext() or []]
    return {
        **told,
        "condition": error.getCondition(),
        "state": error.getSqlState(),
        "parameters": error.getMessageParameters() or {},
    }


def _frames(trace: str) -> str:
    """A traceback as every Python and every machine has it: no sources and marks, no frames of comprehensions, no folders."""
    kept = [line for line in trace.splitlines() if not line.startswith("    ") and not line.endswith(", in <listcomp>")]
    return re.sub(r'(?<=File ")[^"]*/(?:site|dist)-packages/', "", "\n".join(kept))


_UNTRANSLATED = ("Py4JJavaError", "UnknownException", "SparkException")

# What a user would catch.
_BASES = frozenset(
    [
        "AnalysisException",
        "ArithmeticException",
        "ArrayIndexOutOfBoundsException",
        "AttributeError",
        "DateTimeException",
        "IllegalArgumentException",
        "KeyError",
        "NumberFormatException",
        "OverflowError",
        "ParseException",
        "PySparkAttributeError",
        "PySparkException",
        "PySparkTypeError",
        "PySparkValueError",
        "PythonException",
        "QueryExecutionException",
        "SparkNoSuchElementException",
        "SparkRuntimeException",
        "SparkUpgradeException",
        "StreamingQueryException",
        "TypeError",
        "UnsupportedOperationException",
        "ValueError",
    ]
)


def _told(found: Any, *, ordered: bool) -> dict[str, Any]:
    if type(found) is tuple:
        return {"parts": [_told(part, ordered=ordered) for part in found]}
    if type(found).__name__ != "DataFrame" or not hasattr(found, "sparkSession"):
        return {"value": _typed(found)}
    schema = _without_aliases(json.loads(found.schema.json()))
    rows = [_typed(row) for row in found.collect()]
    return {"schema": schema, "rows": rows if ordered else sorted(rows)}


def _without_aliases(schema: Any) -> Any:
    """A schema without Connect's mark on the names that Spark made up."""
    if isinstance(schema, dict):
        return {key: _without_aliases(value) for key, value in schema.items() if key != "__autoGeneratedAlias"}
    return [_without_aliases(part) for part in schema] if isinstance(schema, list) else schema


def _typed(value: Any) -> str:
    """A value with its type and those of all that it holds."""
    kind = type(value).__name__
    if isinstance(value, list | tuple | dict) or kind in _WRITERS:
        return _WRITERS.get(kind, _sequence)(value)
    if hasattr(value, "jsonValue"):
        return f"type {value.json()}"
    return f"{kind} {value!r}"


def _sequence(values: Any) -> str:
    return f"{type(values).__name__}[{', '.join(map(_typed, values))}]"


def _pandas(frame: Any) -> str:
    kinds = [(str(name), str(kind)) for name, kind in zip(frame.columns, frame.dtypes, strict=True)]
    return f"pandas({kinds}, {[[_typed(cell) for cell in row] for row in frame.itertuples(index=False, name=None)]})"


def _row(row: Any) -> str:
    return f"Row({', '.join(f'{name}={_typed(cell)}' for name, cell in zip(row.__fields__, row, strict=True))})"


# How each type is written, by its name: this file imports none of their packages.
_WRITERS: dict[str, Callable[[Any], str]] = {
    "Row": _row,
    # Equal dicts may have other orders, and classic Spark makes them of maps in another.
    "dict": lambda found: f"dict{sorted(_typed(key) + ': ' + _typed(value) for key, value in found.items())}",
    "DataFrame": _pandas,
    "Table": lambda table: f"arrow({table.schema!s}, {table.to_pylist()!r})",
    "ndarray": lambda array: f"ndarray[{array.dtype}, {', '.join(map(_typed, array.tolist()))}]",
    "VariantVal": lambda variant: f"VariantVal({variant.toJson()})",
    "Column": lambda column: f"Column({column!s})",
}


def _scrubbed(text: str, folder: Path) -> str:
    # The catalog of names that say none is called as on Databricks.
    text = text.replace(str(folder), "{folder}").replace("`main`.", "`spark_catalog`.")
    text = re.sub(r"#\d+L?", "#n", text)
    # How rows from the client stand in a plan.
    text = re.sub(r"LogicalRDD (\[[^\]]*\]), false", r"LocalRelation \1", text)
    text = re.sub(r"part-\d{5}-[0-9a-f-]{36}", "part-n", text)
    text = re.sub(r"0x[0-9a-f]{6,}", "0xn", text)
    # What one Java words otherwise than another.
    text = re.sub(r"jdk\.internal\.reflect\.\w+\.\w+\([^()]*\)", "reflection", text)
    text = re.sub(r" at (?:NativeMethodAccessorImpl\.java|<unknown>):0", " at reflection", text)
    text = text.replace("Tag mismatch!", "Tag mismatch")
    return re.sub(r"(?:plan_id|RDD|LogicalRDD\b.*?)[=\[]\d+", "n", text)


def main(out: Path, kind: str, wanted: list[str]) -> None:
    """Ask plain Spark all groups; each one's answers are in a file of its own as soon as they are there.

    ``kind`` is "classic", or "connect" to see by hand whether a difference is Spark Connect's own.
    """
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.remote("local[2]") if kind == "connect" else SparkSession.builder.master("local[2]")
    # What is as on Databricks is said; all else is as Spark comes.
    spark = (
        builder.config("spark.sql.session.timeZone", "UTC")
        .config("spark.driver.extraJavaOptions", "-Duser.timezone=UTC -Duser.language=en")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )
    logging.disable(logging.CRITICAL)  # pyspark writes each failed call to stderr once more, as kilobytes of JSON
    for name in wanted or groups():
        session = spark
        if kind == "classic":
            session = spark.newSession()
            SparkSession._instantiatedSession = session
            spark._jvm.SparkSession.setActiveSession(session._jsparkSession)
        answers = ask_group(name, session, Path.cwd())
        (out / "unfinished").write_text(json.dumps(answers))
        (out / "unfinished").replace(out / f"{name}.json")
    spark.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
