# Databricks notebook source
x = 1

# COMMAND ----------


def ratio(a, b):
    """Divide."""
    return a / b


# COMMAND ----------

ratio(x, 0)
