# Databricks notebook source
# MAGIC %md
# MAGIC # Silver: what we know of each customer
# MAGIC
# MAGIC One row for each customer: how long they have been with us, what they use, and whether they use less than before.
# MAGIC The training notebook and the gold table both read the result.

# COMMAND ----------

# MAGIC %run ./shared/quality

# COMMAND ----------

import re
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

# COMMAND ----------

# DBTITLE 1,Parameters
dbutils.widgets.text("catalog", "ppd_telecom", "Catalog")
dbutils.widgets.text("schema", "churn", "Schema")
dbutils.widgets.text("as_of", "2026-10-31", "Last day that counts")

catalog = dbutils.widgets.get("catalog")
schema = dbutils.widgets.get("schema")
as_of = date.fromisoformat(dbutils.widgets.get("as_of"))

# COMMAND ----------

# DBTITLE 1,Table names
def table_name(name: str) -> str:
    """Give the full name of one of our tables."""
    return f"{catalog}.{schema}.{name}"

# COMMAND ----------

# DBTITLE 1,Tenure
SETTLED_FROM_MONTHS = 12
LOYAL_FROM_MONTHS = 24


def add_tenure_band(customers: DataFrame, loyal_from: int = LOYAL_FROM_MONTHS) -> DataFrame:
    """Add ``band``: "new" in the first year, "loyal" from ``loyal_from`` months on, "settled" between."""
    tenure = F.col("tenure_months")
    return customers.withColumn(
        "band",
        F.when(tenure < SETTLED_FROM_MONTHS, "new")
        .when(tenure < loyal_from, "settled")
        .when(tenure >= loyal_from, "loyal"),
    )


display(add_tenure_band(spark.table(table_name("customers"))).groupBy("band").count())

# COMMAND ----------

# DBTITLE 1,Phone numbers
COUNTRY_CODE = "31"


@F.udf("string")
def normalise_msisdn(number):
    """Write a phone number the international way: "06 1234 5678" becomes "+31612345678"."""
    if number is None:
        return None
    digits = re.sub(r"\D", "", number)
    if digits.startswith("00"):
        digits = digits[2:]
    elif digits.startswith("0"):
        digits = COUNTRY_CODE + digits[1:]
    return f"+{digits}" if digits else None

# COMMAND ----------

# DBTITLE 1,Usage
RECENT_MONTHS = 3


def add_months_ago(usage: DataFrame) -> DataFrame:
    """Add ``months_ago``: 0 for the month that ``as_of`` lies in, 1 for the month before, and so on."""
    this_month = F.trunc(F.lit(as_of), "month")
    return usage.withColumn("months_ago", F.months_between(this_month, F.trunc("month", "month")).cast("int"))


def relative_drop(before: Column, now: Column) -> Column:
    """Give the share of ``before`` that is gone: 0.25 for 80 to 60, 0 for growth, null without a before."""
    return F.when(before > 0, F.greatest((before - now) / before, F.lit(0.0)))


def usage_features(usage: DataFrame, recent_months: int = RECENT_MONTHS) -> DataFrame:
    """Sum up each customer's last months, and compare the last one with those before it."""
    recent = add_months_ago(usage).where(F.col("months_ago").between(0, recent_months - 1))
    before = F.avg(F.when(F.col("months_ago") > 0, F.col("minutes")))
    last = F.coalesce(F.sum(F.when(F.col("months_ago") == 0, F.col("minutes"))), F.lit(0))
    return recent.groupBy("customer_id").agg(
        F.sum("minutes").alias("minutes"),
        F.sum("data_gb").alias("data_gb"),
        relative_drop(before, last).alias("minutes_drop"),
    )

# COMMAND ----------

# DBTITLE 1,All features
def build_features(customers: DataFrame, usage: DataFrame) -> DataFrame:
    """Bring tenure and usage together; a customer without usage stays, with zeros."""
    require_columns(customers, "customer_id", "tenure_months", "monthly_charge")
    require_columns(usage, "customer_id", "month", "minutes", "data_gb")
    return (
        add_tenure_band(customers)
        .join(usage_features(usage), "customer_id", "left")
        .fillna(0, ["minutes", "data_gb", "minutes_drop"])
    )

# COMMAND ----------

# DBTITLE 1,Who pays much
median_charge = spark.table(table_name("customers")).approxQuantile("monthly_charge", [0.5], 0.01)[0]


def pays_much(charge: float, factor: float = 1.5) -> bool:
    """Say whether a charge is far above what half of our customers pay."""
    return charge > factor * median_charge

# COMMAND ----------

# DBTITLE 1,Write the features
customers = spark.table(table_name("customers")).withColumn("msisdn", normalise_msisdn("msisdn"))
features = build_features(customers, spark.table(table_name("usage")))
features.write.mode("overwrite").option("overwriteSchema", True).saveAsTable(table_name("features"))
display(features)
