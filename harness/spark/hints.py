"""What to say of a failure that only Spark Connect has."""

from __future__ import annotations

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
