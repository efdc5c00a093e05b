"""What a whole run can't do, told apart from what the notebook does wrong."""

from __future__ import annotations

import os
import re
import socket
import sys
import sysconfig
import traceback
from typing import TYPE_CHECKING, Any, NoReturn

from harness.execute.hints import hinted
from harness.execute.information_schema import lacking
from harness.execute.magics import UnsupportedError
from harness.execute.of_runtime import DATABRICKS_ONLY, why_missing
from harness.extract.unparsed import of_newer
from harness.runtime.context import HOST
from harness.spark.hints import PATH_HINT

if TYPE_CHECKING:
    from traceback import StackSummary

_NO_CONTEXT = (
    "RDDs, SparkContext and the JVM aren't there: a whole run has Spark Connect, as Databricks' standard and serverless "
    "compute; use DataFrames, leave the cell out by skip_cells, or test its functions with "
    '@pytest.mark.nbh_engine("classic")'
)

_CONDITION = re.compile(r"\[NBH_(?:DATABRICKS_ONLY|IN_SCRIPT)\] (.*?)(?: SQLSTATE|$)", re.DOTALL)
_STORAGE = re.compile(
    r"No FileSystem for scheme \"?(?:abfss?|wasbs?|adl|s3[an]?|gs)\b"
    r"|Class (?:org\.apache\.hadoop\.fs\.(?:azure|azurebfs|s3a|adl)|com\.google)\."
)
_SOURCE = re.compile(r"Failed to find (?:the )?data source: ([\w.]+?)\.?(?:\s|$)")
# https://docs.databricks.com/aws/en/connect and Auto Loader's: what a cluster has without anything being installed.
_SOURCES = frozenset(
    [
        "bigquery",
        "cloudfiles",
        "com.databricks.spark.sqldw",
        "deltasharing",
        "kafka",
        "kinesis",
        "mysql",
        "oracle",
        "postgresql",
        "pubsub",
        "pulsar",
        "redshift",
        "snowflake",
        "sqldw",
        "sqlserver",
    ]
)

_SAMPLES = re.compile(r"Path does not exist: ((?:dbfs:)?/databricks-datasets\b\S*?)\. SQLSTATE")
_SAMPLE_FILE = "/dbfs/databricks-datasets/"
_NO_NAME = re.compile(r"cannot import name '(\w+)' from '(databricks)'")
_SETTING = re.compile(r"\[SQL_CONF_NOT_FOUND\] The SQL config \"(spark\.databricks\.[\w.]+)\" cannot be found")
_WHYS = (
    (_STORAGE, "the query reads or writes cloud storage, which can't be reached from here"),
    # Spark 4.2 raises this condition and has no text for it.
    (
        re.compile(r"main error class 'COLUMN_IS_NOT_VARIANT_TYPE'|\[COLUMN_IS_NOT_VARIANT_TYPE\]"),
        PATH_HINT.replace("\n", " "),
    ),
    # Spark takes the path for an expression of its own, and so it does arr[*], which is nothing on Databricks either.
    (
        re.compile(r"\[INVALID_USAGE_OF_STAR_OR_REGEX\] .*`unresolvedextractvalue`"),
        "a path with [*] into a text of JSON is read on Databricks only; write from_json(…) with a schema, and transform(…)",
    ),
    # https://docs.databricks.com/sql/language-manual/control-flow/compound-stmt: newer runtimes have both.
    (
        re.compile(r"\[UNSUPPORTED_FEATURE\.CONTINUE_EXCEPTION_HANDLER\]"),
        "a script's CONTINUE handler runs on Databricks only; write an EXIT handler, in a BEGIN … END around the statement",
    ),
    (
        re.compile(r"\[UNSUPPORTED_FEATURE\.SQL_CURSOR\]"),
        "a script's cursor runs on Databricks only; FOR … AS (a query) DO … END FOR goes through the rows here too",
    ),
    # https://docs.databricks.com/optimizations/aqe: Databricks chooses the number by itself.
    (
        re.compile(r"The value 'auto' in the config \"spark\.sql\.shuffle\.partitions\" is invalid"),
        'spark.sql.shuffle.partitions takes "auto" on Databricks only; set it there alone, or leave it as it is',
    ),
    # https://docs.databricks.com/aws/en/business-semantics/metric-views/feature-availability tells their versions.
    (
        re.compile(r"\[INVALID_METRIC_VIEW_YAML\] .*Invalid YAML version: 1\."),
        "a metric view of this version is made on Databricks only; the local Spark knows version 0.1 of their YAML",
    ),
    (
        re.compile(r"\[INVALID_METRIC_VIEW_YAML\] .*Unrecognized field \"(?:comment|display_name|format|joins|window)\""),
        "what this metric view says of its columns is known on Databricks only; here they have names and expressions",
    ),
    # https://docs.databricks.com/delta/table-features: Delta itself has no tables with these.
    (
        re.compile(
            r"\[DELTA_UNSUPPORTED_DATA_TYPES\] .*StringType\("
            r"|\[DELTA_UNSUPPORTED_ALTER_TABLE_CHANGE_COL_OP\] .* to STRING COLLATE "
        ),
        "a Delta table with a column of another collation is made on Databricks only; write STRING without COLLATE",
    ),
    (
        re.compile(r"\[UNSUPPORTED_FEATURE\.SCHEMA_LEVEL_COLLATIONS\]"),
        "a schema's default collation is made on Databricks only; leave it out here",
    ),
    (
        re.compile(r"\[DELTA_MISSING_ICEBERG_CLASS\]"),
        "a table that Iceberg's readers may read is made on Databricks only; leave out delta.universalFormat…",
    ),
    (
        re.compile(r"\[DELTA_GEOSPATIAL_NOT_SUPPORTED\]"),
        "a Delta table with a GEOMETRY or GEOGRAPHY is made on Databricks only",
    ),
    # https://docs.databricks.com/delta/clone: there CREATE OR REPLACE TABLE ... CLONE replaces a table whatever is in it.
    (
        re.compile(r"\[DELTA_UNSUPPORTED_NON_EMPTY_CLONE\]"),
        "a clone takes the place of a table with rows on Databricks only; drop the table first",
    ),
    (
        re.compile(r"\[GRAPH_ELEMENT_DEFINED_OUTSIDE_OF_DECLARATIVE_PIPELINE\]"),
        f"what pyspark.pipelines defines is Databricks only: {DATABRICKS_ONLY['dlt']}",
    ),
    # A runtime's release notes list its drivers. Where no driver is named, Spark doesn't say for which database it looked.
    (
        re.compile(
            r"ClassNotFoundException\) (?:org\.postgresql|org\.mariadb\.jdbc|com\.microsoft\.sqlserver\.jdbc)\."
            r"|\(java\.sql\.SQLException\) No suitable driver"
        ),
        "Databricks has the JDBC drivers of PostgreSQL, MySQL (MariaDB's) and SQL Server, the local Spark none of them",
    ),
)
"""Why what Spark says is no fault of the notebook's, where that is all there is to say."""


def why_refused(error: Exception) -> str:
    """What to tell of a run that asked for what isn't served: what, why, and what to do about it."""
    why = "\n".join(filter(None, (str(getattr(error, "what", error)), getattr(error, "cause", ""))))
    mend = " ".join(str(getattr(error, "mend", "")).splitlines())
    return hinted(why, mend) if mend else why


def newer_python(error: BaseException) -> str:
    """Why this error may be no fault of the notebook's: its Python is newer than this one; "" if it isn't."""
    found = of_newer(error, error.text or "") if isinstance(error, SyntaxError) else None
    return hinted(f"SyntaxError: {found[0]}", found[1]) if found else ""


def connect_only(error: BaseException) -> str:
    """Why this error is no fault of the notebook's: it asked for what Spark Connect lacks; "" if it didn't."""
    from harness.spark.hints import HINT, add_hint, of_worker

    if not type(error).__module__.startswith("pyspark.") and not isinstance(error, AttributeError | AssertionError):
        return ""
    add_hint(error)
    return f"{of_worker(error) or error}: {_NO_CONTEXT}" if HINT in getattr(error, "__notes__", ()) else ""


def databricks_only(error: BaseException) -> str:
    """Why nothing here can do what the notebook asked for; "" where that is its own error."""
    if type(error).__module__.startswith("pyspark."):
        return _of_spark(str(error))
    if isinstance(error, ModuleNotFoundError):
        return why_missing(error.name or "")
    if isinstance(error, ImportError) and isinstance(error.__context__, ModuleNotFoundError):
        return why_missing(error.__context__.name or "")  # pandas says so in its own words, of what it draws with
    if isinstance(error, ImportError) and (found := _NO_NAME.search(str(error))) is not None:
        return why_missing(f"{found[2]}.{found[1]}")
    if isinstance(error, FileNotFoundError) and str(error.filename).startswith(_SAMPLE_FILE):
        return _no_samples(str(error.filename))
    return ""


def _of_spark(text: str) -> str:
    if (found := _CONDITION.search(text)) is not None:
        return found[1].strip()
    for pattern, why in _WHYS:
        if pattern.search(text) is not None:
            return why
    if why := lacking(text):
        return why
    if (found := _SAMPLES.search(text)) is not None:
        return _no_samples(found[1])
    if (found := _SETTING.search(text)) is not None:
        return f"the setting {found[1]} has no value here, as only Databricks knows it; the notebook can give a default"
    if (found := _SOURCE.search(text)) is not None and found[1].lower() in _SOURCES:
        return f"the data source {found[1]} comes with Databricks, and the local Spark hasn't got it"
    return ""


def _no_samples(path: str) -> str:
    return f"{path}: Databricks' sample data isn't on this machine; copy what the test needs of it to that path"


def hear_of_queries() -> None:
    """Have a query that only Databricks can answer told where it is made, for the notebook may catch the error and go on."""
    from pyspark.sql.connect.client.core import SparkConnectClient

    handle = SparkConnectClient._handle_error  # noqa: SLF001 -- every error of a query comes through it

    def told(self: Any, error: Exception) -> NoReturn:
        try:
            handle(self, error)
        except Exception as raised:
            why = databricks_only(raised)
            if why:
                UnsupportedError(why)  # it tells of itself as it is made
            raise
        raise error

    SparkConnectClient._handle_error = told  # type: ignore[method-assign]  # noqa: SLF001 -- as above


def no_workspace() -> tuple[None, None]:
    """Answer the SDK, which asks for the sign-in that each notebook has on Databricks once it has found no other.

    It goes on to an error of its own, and the notebook may catch that.
    """
    UnsupportedError(  # it tells of itself as it is made
        "WorkspaceClient() is signed in on Databricks only, and there is no workspace here: run the test with "
        "--databricks-env=rehearsal, or leave the cell out by skip_cells"
    )
    return None, None


def refuse_sessions() -> None:
    """In a kernel without Spark: have nothing get a session of its own, of another Spark without the test's tables."""
    session = sys.modules.get("pyspark.sql.session")
    if session is None:
        return

    def refuse(_builder: object) -> NoReturn:
        raise UnsupportedError(
            "a Spark session was asked for by what the notebook imports, and nothing in the notebook itself says that it uses "
            "Spark: write import pyspark there"
        )

    session.SparkSession.Builder.getOrCreate = refuse


def hear_of_requests() -> None:
    """Have a request to the workspace, whose address is in a notebook's context, told where it is made, and end there.

    It would end in an error of the network's, which the notebook may catch and clients try again for minutes. A library that
    asks of its own accord gets that error, which it knows.
    """
    resolve = socket.getaddrinfo

    def told(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
        if name.lower().endswith(HOST):
            refusal = UnsupportedError(  # it tells of itself as it is made
                f"a request to the workspace's API (https://{name}): there is no workspace here; run the test with "
                "--databricks-env=rehearsal, or leave the cell out by skip_cells"
            )
            if not is_by_library(traceback.extract_stack()):
                raise refusal
        return resolve(host, *args, **kwargs)

    socket.getaddrinfo = told


class NoContext:
    """Stands for ``sc``: any use of it says that there is no SparkContext."""

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_") and not name.startswith(("_j", "_gateway")):
            raise AttributeError(name)  # Python and IPython ask every object for such names
        raise UnsupportedError(f"sc.{name}: {_NO_CONTEXT}")

    def __repr__(self) -> str:
        return "<sc: there is no SparkContext here>"


def _folders_of_libraries() -> tuple[str, ...]:
    """Where packages are installed: this environment's folders, and those of another that it was made to see too."""
    seen = [path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages")]
    return (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *seen)


def is_of_library(file: str) -> bool:
    """Whether this is installed code, ours or Python's own; the notebook's and the project's isn't."""
    of_python = sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")
    return file.startswith((os.path.dirname(os.path.dirname(__file__)), *_folders_of_libraries(), *of_python))


def is_by_library(frames: StackSummary) -> bool:
    """Whether an installed library asked, of its own accord: those look around for where they are, and go on.

    What the notebook or the project's own modules ask for is theirs, also through IPython's magics or a pool of threads.
    """
    paths = sysconfig.get_paths()
    libraries = _folders_of_libraries()
    # What stands between a notebook and us: Spark's client where a query is refused, the SDK where it signs in, HTTP's clients.
    clients = ("IPython", "pyspark", "delta", os.path.join("databricks", "sdk"))
    through = (*clients, "requests", "urllib3", "httpx", "httpcore", "anyio")
    passed_through = [os.path.join(folder, name) for folder in libraries for name in through]
    between = (os.path.dirname(os.path.dirname(__file__)), *passed_through)
    for frame in reversed(frames):
        if frame.filename.startswith(between):
            continue
        if frame.filename.startswith(libraries):
            return True
        if not frame.filename.startswith((paths["stdlib"], paths["platstdlib"])):
            return False
    return False
