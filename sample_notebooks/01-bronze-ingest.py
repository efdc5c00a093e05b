# Databricks notebook source
# MAGIC %md
# MAGIC # 01 Bronze: take in the CRM export
# MAGIC
# MAGIC Every night the CRM drops a CSV file of all customers into a volume. This notebook reads it, cleans it and writes
# MAGIC two tables: `customers`, and `customers_rejected` for the rows that somebody has to look at.

# COMMAND ----------

# MAGIC %run ./shared/quality

# COMMAND ----------

import json

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DateType, IntegerType, StringType, StructField, StructType

# COMMAND ----------

# DBTITLE 1,Parameters
dbutils.widgets.text("catalog", "ppd_telecom", "Catalog")
dbutils.widgets.text("schema", "churn", "Schema")
dbutils.widgets.text("landing", "/Volumes/ppd_telecom/churn/landing", "Landing folder")

catalog = dbutils.widgets.get("catalog")
schema = dbutils.widgets.get("schema")
landing = dbutils.widgets.get("landing")

# COMMAND ----------

# DBTITLE 1,What the CRM sends
CONTRACTS = ("monthly", "one-year", "two-year")

EXPORT_SCHEMA = StructType(
    [
        StructField("customer_id", IntegerType()),
        StructField("msisdn", StringType()),
        StructField("contract", StringType()),
        StructField("tenure_months", IntegerType()),
        StructField("monthly_charge", StringType()),  # as text: "29,95 €"
        StructField("exported_on", DateType()),
    ]
)

# COMMAND ----------

# DBTITLE 1,Cleaning functions
def trim_strings(frame: DataFrame) -> DataFrame:
    """Cut blanks around every text, and make an empty text a null."""
    texts = [field.name for field in frame.schema if isinstance(field.dataType, StringType)]
    return frame.withColumns({name: F.nullif(F.trim(name), F.lit("")) for name in texts})


def parse_charge(column: str) -> Column:
    """Read an amount as the CRM writes it ("29,95 €"); what is no amount becomes a null."""
    plain = F.regexp_replace(F.regexp_replace(column, "[€ ]", ""), ",", ".")
    return F.when(plain.rlike(r"^\d{1,4}(\.\d{1,2})?$"), plain.cast("decimal(6,2)"))

# COMMAND ----------

# DBTITLE 1,Read the export
raw = spark.read.schema(EXPORT_SCHEMA).option("header", True).option("sep", ";").csv(landing)
display(raw.limit(10))

# COMMAND ----------

# DBTITLE 1,Clean customers
tidy = trim_strings(raw).withColumn("monthly_charge", parse_charge("monthly_charge"))

# A null contract is neither in the list nor out of it, so it says "unknown": that is a rejection too.
is_known = F.col("customer_id").isNotNull() & F.coalesce(F.col("contract").isin(*CONTRACTS), F.lit(False))

customers = drop_duplicates_by_key(tidy.where(is_known), key="customer_id", newest_by="exported_on")
rejected = tidy.where(~is_known)

# COMMAND ----------

# DBTITLE 1,Write the tables
customers.write.mode("overwrite").saveAsTable(f"{catalog}.{schema}.customers")
rejected.write.mode("append").saveAsTable(f"{catalog}.{schema}.customers_rejected")

# COMMAND ----------

dbutils.notebook.exit(json.dumps({"customers": customers.count(), "rejected": rejected.count()}))
