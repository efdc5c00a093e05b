"""What the job's wheel tasks call: its arguments come as on a command line."""

from __future__ import annotations

import argparse
import sys

from databricks.sdk.runtime import dbutils
from pyspark.sql import SparkSession

from parity_wheel.naming import named


def main() -> int:
    """Count, and leave a task value; what it returns is passed over."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--day")
    parser.add_argument("--breaks", default="no")
    given = parser.parse_args()
    rows = SparkSession.builder.getOrCreate().range(3).count()
    if given.breaks == "yes":
        raise ValueError(f"no count of {rows}")
    dbutils.jobs.taskValues.set("told", f"{sys.argv[0]} {named(rows)} on {given.day}")
    sys.stdout.write(f"{named(rows)}\n")
    return 3
