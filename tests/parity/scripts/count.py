"""A plain Python file that a task of a job runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(sys.argv[0]).parent))

from naming import told
from pyspark.sql import SparkSession


def main():
    """Count rows, and say of which day."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--day", required=True)
    parser.add_argument("--breaks", default="no")
    parser.add_argument("--beside", default=sys.argv[0])
    parser.add_argument("task")
    given = parser.parse_args()
    rows = SparkSession.builder.getOrCreate().range(3).count()
    sys.stdout.write(f"counted beside {Path(given.beside).name}: {Path(given.beside).is_file()}\n")
    if given.breaks == "yes":
        raise ValueError(f"no count of {rows}")
    from databricks.sdk.runtime import dbutils

    dbutils.jobs.taskValues.set("told", f"{told(given.day, given.task)}: {rows}")


if __name__ == "__main__":
    main()
