# Databricks notebook source
# MAGIC %md
# MAGIC # Tests of the shared helpers, as a notebook
# MAGIC
# MAGIC One fixture for Nutter and one class for unittest, as teams have them in their workspaces. `pytest sample_notebooks/quality_test.py`
# MAGIC runs each case as a test of its own, and Nutter need not be installed.

# COMMAND ----------

# MAGIC %run ./shared/quality

# COMMAND ----------

# DBTITLE 1,Nutter
from runtime.nutterfixture import NutterFixture, tag


class NewestRows(NutterFixture):
    """Of the rows of one key the newest stays."""

    def before_all(self):
        rows = [(1, "2026-01-01", "old"), (1, "2026-02-01", "new"), (2, None, "undated")]
        frame = spark.createDataFrame(rows, "customer_id int, exported_on string, name string")
        frame.createOrReplaceTempView("customers")

    @tag("keys")
    def run_one_row_a_key(self):
        drop_duplicates_by_key(spark.table("customers"), "customer_id", "exported_on").createOrReplaceTempView("kept")

    def assertion_one_row_a_key(self):
        assert {row.name for row in spark.table("kept").collect()} == {"new", "undated"}

    def after_one_row_a_key(self):
        spark.catalog.dropTempView("kept")

    def assertion_the_table_is_as_it_was(self):
        assert spark.table("customers").count() == 3

# COMMAND ----------

# DBTITLE 1,unittest
import unittest


class RequiredColumns(unittest.TestCase):
    """Missing columns are named."""

    def test_missing(self):
        with self.assertRaisesRegex(MissingColumnsError, "missing columns: name; there are: id"):
            require_columns(spark.range(1), "id", "name")

# COMMAND ----------

# DBTITLE 1,Run them here
suite = unittest.defaultTestLoader.loadTestsFromTestCase(RequiredColumns)
assert unittest.TextTestRunner().run(suite).wasSuccessful()

# COMMAND ----------

result = NewestRows().execute_tests()
print(result.to_string())
result.exit(dbutils)
