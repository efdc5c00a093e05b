# Databricks notebook source
# MAGIC %md
# MAGIC # What a notebook shows

# COMMAND ----------

print("two orders")
display(spark.sql("SELECT id, CAST(id AS DECIMAL(10, 2)) AS price FROM VALUES (1), (2) AS orders(id) ORDER BY id"))

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT 'x' AS only

# COMMAND ----------

kept = 1
