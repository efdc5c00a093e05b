# Databricks notebook source
dbutils.widgets.text("rows", "0")
dbutils.widgets.text("who", "")
rows = int(dbutils.widgets.get("rows"))
dbutils.jobs.taskValues.set("rows", rows)

# COMMAND ----------

dbutils.notebook.exit(dbutils.widgets.get("who"))
