"""What to say of a failure that only the warm engine has: what Spark Connect lacks, or that the engine is gone."""

from __future__ import annotations

import os
import re
import traceback

from harness.errors import EngineLostError

# Spark's own names for "a Connect client has no JVM at hand".
_CONNECT_ONLY = {
    "JVM_ATTRIBUTE_NOT_SUPPORTED",
    "ATTRIBUTE_NOT_SUPPORTED",
    "CONTEXT_UNAVAILABLE_FOR_REMOTE_CLIENT",
    "UNSUPPORTED_OPERATION_FOR_CONNECT",
    "RDD_NOT_SUPPORTED",  # databricks-connect's
    # foreachBatch with a function that holds the session.
    "STREAMING_CONNECT_SERIALIZATION_ERROR",
}

# What pyspark says where it is to open Spark on this machine, and may not.
_NO_SPARK_HERE = {"CONNECT_URL_NOT_SET", "CANNOT_CONFIGURE_SPARK_CONNECT_MASTER", "CONTEXT_UNAVAILABLE_FOR_REMOTE_CLIENT"}

# The last line of a trace that Spark hands on as text: of a foreachBatch function, say, which runs in a process of its own.
_OF_WORKER = re.compile(rf"PySpark\w+Error: (\[(?:{'|'.join(sorted(_CONNECT_ONLY))}|NOT_IMPLEMENTED)\] [^\n]*)")

# What pyspark's classic classes have and Connect's lack, and those that ask find None for where there is no context.
_OF_JAVA = ("_sc", "_wrapped", "_gateway", "sparkContext", "parallelize")

HINT = (
    "this is so on Spark Connect only (the default engine, and Databricks' shared and serverless compute);\n"
    'for RDDs, SparkContext and the JVM mark the test: @pytest.mark.nbh_engine("classic")'
)


CLUSTER_HINT = (
    "the cluster of this test has Spark Connect alone, as serverless compute, standard access and the rehearsal have:\n"
    'RDDs, SparkContext and the JVM are on dedicated clusters of a workspace (data_security_mode = "SINGLE_USER")'
)


PATH_HINT = (
    "column:path on a column of JSON text is Databricks only: the local Spark can read paths of a VARIANT;\n"
    "write parse_json(column):path or get_json_object(column, '$.path'), which both know"
)


SERVER_HINT = (
    "this run's Spark is a workspace's, and none is opened on this machine: take the harness's fixture spark,\n"
    "or mark the test @pytest.mark.nbh_local_only"
)


UDF_HINT = (
    "a UDF takes columns, and gives a column: df.select(f(df.amount));\n"
    "its plain Python function, which takes and gives values, is f.func"
)


def add_hint(exc: BaseException, *, of_connect: str = HINT) -> None:
    """Add a note to an error of Connect's own, and to those that say too little; leave all others."""
    try:
        hint = next((of_connect if said is HINT else said for is_so, said in _HINTS if is_so(exc)), None)
    except Exception:  # noqa: BLE001 -- it may be of the user's own class, which answers as it likes
        return
    if hint is not None and hint not in getattr(exc, "__notes__", ()):
        exc.add_note(hint)


def add_server_hint(exc: BaseException) -> None:
    """Where a run's Spark is a workspace's: say why pyspark opens none here."""
    ask = getattr(exc, "getCondition", None) or getattr(exc, "getErrorClass", None)
    if not type(exc).__module__.startswith("pyspark.") or not callable(ask) or ask() not in _NO_SPARK_HERE:
        return
    if SERVER_HINT not in getattr(exc, "__notes__", ()):
        exc.add_note(SERVER_HINT)


def of_worker(exc: BaseException) -> str:
    """What Spark Connect lacked for a function that Spark called elsewhere, whose error comes as text; "" for others."""
    found = _OF_WORKER.search(str(exc)) if type(exc).__module__.startswith("pyspark.") else None
    return found[1] if found is not None else ""


def _is_path_of_text(exc: BaseException) -> bool:
    # Spark 4.2 raises this condition and has no text for it.
    return callable(getattr(exc, "getCondition", None)) and "'COLUMN_IS_NOT_VARIANT_TYPE'" in str(exc)


def _is_connect_only(exc: BaseException) -> bool:
    ask = getattr(exc, "getCondition", None) or getattr(exc, "getErrorClass", None)
    if callable(ask):
        name = ask()
        known = name in _CONNECT_ONLY or (name == "NOT_IMPLEMENTED" and "sql/connect/" in _raised_in(exc))
        return known or bool(of_worker(exc))
    if isinstance(exc, AttributeError):
        return _is_of_java(exc.name or "") and (exc.obj is None or _is_connects(exc.obj))
    # pyspark itself says no more than "assert" where there is no SparkContext.
    return isinstance(exc, AssertionError) and not str(exc) and _raised_in(exc).startswith("pyspark/")


def _is_of_udf(exc: BaseException) -> bool:
    # Connect says no more than "assert" of a value that is no column.
    if not isinstance(exc, AssertionError) or str(exc) or _raised_in(exc) != "pyspark/sql/connect/expressions.py":
        return False
    return any(frame.f_code.co_filename.endswith("udf.py") for frame, _ in traceback.walk_tb(exc.__traceback__))


def _is_of_java(name: str) -> bool:
    return name.startswith("_j") or name in _OF_JAVA


def _is_connects(value: object) -> bool:
    return type(value).__module__.startswith("pyspark.sql.connect.")


def _raised_in(exc: BaseException) -> str:
    """The file that raised it, from pyspark's folder on; empty if it is none of pyspark's."""
    trace = exc.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    file = trace.tb_frame.f_code.co_filename.replace(os.sep, "/") if trace is not None else ""
    return file[file.rindex("/pyspark/") + 1 :] if "/pyspark/" in file else ""


_HINTS = ((_is_of_udf, UDF_HINT), (_is_connect_only, HINT), (_is_path_of_text, PATH_HINT))


def lost_error(pid: int, lines: list[str], *, memory: str) -> EngineLostError:
    """What to tell of an engine with this pid that has ended, and whose log ends with these lines."""
    tail = "\n".join(f"log: {line}" for line in lines)
    if any("OutOfMemoryError" in line for line in lines):
        return EngineLostError(
            "the Spark engine was lost during this test",
            cause=f"process {pid} ran out of memory: a query used up all that it may have ({memory})\n{tail}",
            mend=f'let the query use less, or give the engine more: spark_memory = "{_twice(memory)}" under [tool.nbh]',
        )
    return EngineLostError(
        "the Spark engine was lost during this test",
        cause=f"process {pid} has ended\n{tail or 'its log says nothing: it was killed from outside'}",
        mend="nothing, if you ended it: the next test gets a new engine.\n"
        "If nobody did, the system may have, for want of memory: run fewer tests at once",
    )


def _twice(memory: str) -> str:
    """2g from 1g, 800m from 400m."""
    return f"{2 * int(memory[:-1])}{memory[-1]}" if memory[:-1].isdigit() else "2g"
