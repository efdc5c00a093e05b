"""What a whole run can't do, told apart from what the notebook does wrong."""

from __future__ import annotations

import os
import sysconfig
from typing import TYPE_CHECKING, NoReturn

from harness.execute.magics import UnsupportedError

if TYPE_CHECKING:
    from traceback import StackSummary

_NO_CONTEXT = (
    "RDDs, SparkContext and the JVM aren't there: a whole run has Spark Connect, as Databricks' standard and serverless "
    "compute; use DataFrames, leave the cell out by skip_cells, or test its functions with "
    '@pytest.mark.nbh_engine("classic")'
)


def connect_only(error: BaseException) -> str:
    """Why this error is no fault of the notebook's: it asked for what Spark Connect lacks; "" if it didn't."""
    from harness.spark.hints import HINT, add_hint

    if not type(error).__module__.startswith("pyspark.") and not isinstance(error, AttributeError | AssertionError):
        return ""
    add_hint(error)
    return f"{error}: {_NO_CONTEXT}" if HINT in getattr(error, "__notes__", ()) else ""


class NoContext:
    """Stands for ``sc``: any use of it says that there is no SparkContext."""

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        raise UnsupportedError(f"sc.{name}: {_NO_CONTEXT}")

    def __repr__(self) -> str:
        return "<sc: there is no SparkContext here>"


def is_by_library(frames: StackSummary) -> bool:
    """Whether an installed library asked, of its own accord: those look around for where they are, and go on.

    What the notebook or the project's own modules ask for is theirs, also through IPython's magics or a pool of threads.
    """
    paths = sysconfig.get_paths()
    libraries = (paths["purelib"], paths["platlib"])
    between = (os.path.dirname(os.path.dirname(__file__)), *(os.path.join(folder, "IPython") for folder in libraries))
    for frame in reversed(frames):
        if frame.filename.startswith(between):
            continue
        if frame.filename.startswith(libraries):
            return True
        if not frame.filename.startswith((paths["stdlib"], paths["platstdlib"])):
            return False
    return False
