"""What to say of a failure that only the warm engine has: what Spark Connect lacks, or that the engine is gone."""

from __future__ import annotations

from harness.errors import EngineLostError

# Spark's own names for "a Connect client has no JVM at hand".
_CONNECT_ONLY = {
    "JVM_ATTRIBUTE_NOT_SUPPORTED",
    "ATTRIBUTE_NOT_SUPPORTED",
    "CONTEXT_UNAVAILABLE_FOR_REMOTE_CLIENT",
    "UNSUPPORTED_OPERATION_FOR_CONNECT",
}

HINT = (
    "this is so on Spark Connect only (the default engine, and Databricks' shared and serverless compute);\n"
    'for RDDs, SparkContext and the JVM mark the test: @pytest.mark.nbh_engine("classic")'
)


def add_hint(exc: BaseException) -> None:
    """Add a note that names the marker to an error of Connect's own; leave all others as they are."""
    condition = getattr(exc, "getCondition", None)
    if not callable(condition):
        return
    try:
        name = condition()
    except Exception:  # noqa: BLE001 -- the user's own class may have a method of that name
        return
    if name in _CONNECT_ONLY:
        exc.add_note(HINT)


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
