# Databricks notebook source
# MAGIC %run ./child

# COMMAND ----------

from pyspark.sql.functions import col, udf

# COMMAND ----------

dbutils.widgets.text("schema", "")
schema = dbutils.widgets.get("schema")

# COMMAND ----------


def with_double(frame):
    """Add the double of each price, by Python."""
    return frame.withColumn("double", udf(doubled, "int")(col("price")))


# COMMAND ----------

orders = with_double(spark.table(f"{schema}.orders"))
orders.write.mode("overwrite").saveAsTable(f"{schema}.doubled")

# COMMAND ----------

dbutils.notebook.exit(str(spark.table(f"{schema}.doubled").count()))
