# Databricks notebook source
# MAGIC %md
# MAGIC # Silver and gold: whom the retention team calls
# MAGIC
# MAGIC Each night the call centre's answers are merged into the silver table `contacts`. From it and the churn scores the gold
# MAGIC table `call_list` is made, in marketing's own catalog, with a view that marketing's people may read.

# COMMAND ----------

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

# COMMAND ----------

# DBTITLE 1,Parameters
dbutils.widgets.text("silver", "ppd_telecom.churn", "Silver schema")
dbutils.widgets.text("gold", "ppd_marketing.retention", "Gold schema")

silver = dbutils.widgets.get("silver")
gold = dbutils.widgets.get("gold")

# COMMAND ----------

# DBTITLE 1,Merge the call centre's answers
def merge_contacts(answers: DataFrame) -> None:
    """Bring answers into `contacts`: a newer one replaces the customer's old one, an older one is ignored."""
    answers.createOrReplaceTempView("new_answers")
    spark.sql(
        f"""
        MERGE INTO {silver}.contacts AS old
        USING new_answers AS new ON old.customer_id = new.customer_id
        WHEN MATCHED AND new.answered_on > old.answered_on THEN UPDATE SET *
        WHEN NOT MATCHED THEN INSERT *
        """
    )

# COMMAND ----------

# DBTITLE 1,When to call
@F.udf("string")
def call_window(answer):
    """Say when to call again, from what the customer said: "after 18h" is the evening."""
    if answer is None:
        return "any time"
    said = answer.lower()
    if "never" in said:
        return "do not call"
    return "evening" if "evening" in said or "18h" in said else "any time"

# COMMAND ----------

# DBTITLE 1,Hide numbers
def create_functions() -> None:
    """Give SQL users of the gold schema a function that hides all but the end of a phone number."""
    spark.sql(
        f"""
        CREATE OR REPLACE FUNCTION {gold}.hide_number(msisdn STRING) RETURNS STRING
        RETURN concat(repeat('*', greatest(length(msisdn) - 3, 0)), right(msisdn, 3))
        """
    )

# COMMAND ----------

# DBTITLE 1,Gold table
def build_call_list(min_score: float = 0.7) -> None:
    """Write `call_list`: customers who may leave and don't mind being called, the likeliest first."""
    contacts = spark.table(f"{silver}.contacts").withColumn("call_window", call_window("answer"))
    scores = spark.table(f"{silver}.churn_scores").where(F.col("score") >= min_score)
    (
        scores.join(contacts, "customer_id", "left")
        .withColumn("call_window", F.coalesce("call_window", F.lit("any time")))
        .where("call_window <> 'do not call'")
        .select("customer_id", "msisdn", "score", "call_window")
        .write.mode("overwrite")
        .saveAsTable(f"{gold}.call_list")
    )

# COMMAND ----------

# DBTITLE 1,View for marketing
def create_view() -> None:
    """Let marketing see whom to call in the evening, without the numbers."""
    spark.sql(
        f"""
        CREATE OR REPLACE VIEW {gold}.evening_calls AS
        SELECT customer_id, {gold}.hide_number(msisdn) AS msisdn
        FROM {gold}.call_list
        WHERE call_window = 'evening'
        """
    )
    spark.sql(f"GRANT SELECT ON VIEW {gold}.evening_calls TO `marketing`")

# COMMAND ----------

# DBTITLE 1,Run it
merge_contacts(spark.table(f"{silver}.new_contacts"))
build_call_list()
create_functions()
create_view()
display(spark.table(f"{gold}.evening_calls"))
