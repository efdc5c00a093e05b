# Databricks notebook source
# MAGIC %md
# MAGIC # Shared: checks and small repairs
# MAGIC
# MAGIC Helpers that several notebooks use. A notebook takes them in with `%run ./shared/quality`.

# COMMAND ----------

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

# COMMAND ----------

# DBTITLE 1,Session settings
spark.conf.set("spark.sql.session.timeZone", "UTC")

# COMMAND ----------

# DBTITLE 1,Required columns
class MissingColumnsError(ValueError):
    """A table lacks columns that the next step needs."""


def require_columns(frame: DataFrame, *names: str) -> DataFrame:
    """Hand the frame back if it has all these columns; name the missing ones if not."""
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise MissingColumnsError(f"missing columns: {', '.join(missing)}; there are: {', '.join(frame.columns)}")
    return frame

# COMMAND ----------

# DBTITLE 1,One row for each key
def drop_duplicates_by_key(frame: DataFrame, key: str, newest_by: str) -> DataFrame:
    """Keep the newest row of each key; a row without a date counts as the oldest."""
    newest_first = Window.partitionBy(key).orderBy(F.col(newest_by).desc_nulls_last())
    return frame.withColumn("_rank", F.row_number().over(newest_first)).where("_rank = 1").drop("_rank")

# COMMAND ----------

print("quality helpers loaded")
