# Databricks notebook source
for name in ("name", "rows", "whole", "who", "bad"):
    dbutils.widgets.text(name, "")
name = dbutils.widgets.get("name")
dbutils.jobs.taskValues.set("name", name)

# COMMAND ----------

if name == dbutils.widgets.get("bad"):
    raise ValueError(f"no rows of {name}")

# COMMAND ----------

dbutils.notebook.exit(f"{name} {dbutils.widgets.get('rows')} {dbutils.widgets.get('who')}".strip())
