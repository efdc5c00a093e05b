"""A script that imports the project's package from the wheel that its task asks for."""

from __future__ import annotations

import sys

from databricks.sdk.runtime import dbutils
from parity_wheel.naming import named
from pyspark.sql import SparkSession

rows = SparkSession.builder.getOrCreate().range(3).count()
dbutils.jobs.taskValues.set("rows", rows)
sys.stdout.write(f"{named(rows)}\n")
