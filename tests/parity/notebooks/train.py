# Databricks notebook source
dbutils.widgets.text("seen", "")
dbutils.widgets.text("breaks", "no")
rows = dbutils.jobs.taskValues.get("ingest", "rows")

# COMMAND ----------

if dbutils.widgets.get("breaks") == "yes":
    raise ValueError(f"no model of {rows} rows")

# COMMAND ----------

dbutils.notebook.exit(f"{rows + 1}: {dbutils.widgets.get('seen')}")
