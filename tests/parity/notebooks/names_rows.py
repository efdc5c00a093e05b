# Databricks notebook source
from parity_wheel.naming import named

dbutils.widgets.text("rows", "")

# COMMAND ----------
dbutils.notebook.exit(named(int(dbutils.widgets.get("rows"))))
