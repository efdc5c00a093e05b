# Databricks notebook source
# MAGIC %md
# MAGIC # Unit testing a notebook, step by step
# MAGIC
# MAGIC This notebook picks the customers whom the call centre should ring up. It is a notebook like any other: *Run all* works,
# MAGIC on a few made-up customers, and needs no table.
# MAGIC
# MAGIC Its tests stand beside it, in `tests/test_unit_test_demo.py`. Open both next to each other: each step below shows a piece
# MAGIC of notebook code, and the test that goes with it. To run the tests, in a terminal at the project's root:
# MAGIC
# MAGIC ```
# MAGIC pytest sample_notebooks/tests/test_unit_test_demo.py
# MAGIC ```
# MAGIC
# MAGIC Or here, in the workspace: the cell near the end runs them.

# COMMAND ----------

# MAGIC %pip install -q chispa databricks-notebook-harness
# MAGIC %restart_python

# COMMAND ----------

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

# COMMAND ----------

# DBTITLE 1,Customers
customers = spark.createDataFrame(
    [(1, "north", 0), (2, "north", 4), (3, "south", 3), (4, "south", None)],
    "customer_id int, region string, complaints int",
)
display(customers)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Step 1: a unit
# MAGIC
# MAGIC A *unit* is the smallest piece of code that gives an answer of its own. In a notebook that is a function. So the first
# MAGIC thing to do for testing is to put what you compute into functions: data in, answer out.

# COMMAND ----------

# DBTITLE 1,Step 1: a plain function
def churn_rate(left: int, customers_before: int) -> float:
    """Give the share of customers who left; 0 where there were none."""
    if customers_before == 0:
        return 0.0
    return left / customers_before

# COMMAND ----------

# MAGIC %md
# MAGIC A test calls the unit and says what should come back. Three parts, with a blank line between: what is given, what is
# MAGIC done, what should hold. Where giving and doing are one short line, they may stand together.
# MAGIC
# MAGIC ```python
# MAGIC def test_churn_rate_is_the_share_that_left():
# MAGIC     """Five of a hundred customers are 5 %."""
# MAGIC     rate = churn_rate(5, 100)
# MAGIC
# MAGIC     assert rate == 0.05
# MAGIC ```
# MAGIC
# MAGIC The test file gets the function by a plain import, as from any module:
# MAGIC
# MAGIC ```python
# MAGIC from sample_notebooks.unit_test_demo import churn_rate
# MAGIC ```
# MAGIC
# MAGIC Importing does **not** run this notebook. Only its imports, functions, classes and constants are loaded.
# MAGIC The table above is not made, nothing is displayed, nothing is installed.

# COMMAND ----------

# MAGIC %md
# MAGIC ## Step 2: a function on a DataFrame
# MAGIC
# MAGIC The same, with tables. The function takes a DataFrame and returns one. It reads and writes nothing itself, so a test
# MAGIC can hand it three rows.

# COMMAND ----------

# DBTITLE 1,Step 2: a function on a DataFrame
COMPLAINT_LIMIT = 3


def flag_unhappy(customers: DataFrame, limit: int = COMPLAINT_LIMIT) -> DataFrame:
    """Add ``unhappy``: true from ``limit`` complaints on, false where we know of none."""
    return customers.withColumn("unhappy", F.coalesce(F.col("complaints") >= limit, F.lit(False)))

# COMMAND ----------

# MAGIC %md
# MAGIC The test asks for `spark` by naming it, and gets a real Spark session. `assert_df_equality` compares two DataFrames, schema
# MAGIC and rows, and prints them side by side where they differ.
# MAGIC
# MAGIC ```python
# MAGIC def test_customer_is_unhappy_from_three_complaints_on(spark):
# MAGIC     """Two complaints are not enough, three are."""
# MAGIC     customers = spark.createDataFrame([(1, 2), (2, 3)], "customer_id int, complaints int")
# MAGIC
# MAGIC     flagged = flag_unhappy(customers)
# MAGIC
# MAGIC     expected = spark.createDataFrame([(1, 2, False), (2, 3, True)], "customer_id int, complaints int, unhappy boolean")
# MAGIC     assert_df_equality(flagged, expected, ignore_nullable=True)
# MAGIC ```
# MAGIC
# MAGIC Why `ignore_nullable`? Spark knows that `unhappy` is never null, since `coalesce` ends with a literal. The expected
# MAGIC table doesn't know, and without the option the two schemas differ.
# MAGIC
# MAGIC Then look for the edges. Here: no complaints known at all. Several cases of one behaviour fit in one test:
# MAGIC
# MAGIC ```python
# MAGIC @pytest.mark.parametrize(("complaints", "unhappy"), [(None, False), (0, False), (2, False), (3, True), (4, True)])
# MAGIC def test_unhappy_at_the_edges(spark, complaints, unhappy):
# MAGIC     """The limit itself counts as unhappy, and a null is no complaint."""
# MAGIC     customers = spark.createDataFrame([(1, complaints)], "customer_id int, complaints int")
# MAGIC
# MAGIC     flagged = flag_unhappy(customers)
# MAGIC
# MAGIC     assert flagged.first()["unhappy"] is unhappy
# MAGIC ```

# COMMAND ----------

# MAGIC %md
# MAGIC ## Step 3: why not just an `assert` in the notebook?
# MAGIC
# MAGIC You can write this, and it is better than nothing. But it runs only when the whole notebook runs, it stops the notebook when
# MAGIC it fails, and nobody sees it in a pull request. A test beside the notebook runs in seconds, on every commit.

# COMMAND ----------

# DBTITLE 1,Step 3: a check in the notebook
from chispa import assert_df_equality

assert_df_equality(
    flag_unhappy(customers).where("unhappy").select("customer_id"),
    spark.createDataFrame([(2,), (3,)], "customer_id int"),
)
print("the check passed, this once")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Step 4: a function that reads a widget
# MAGIC
# MAGIC Notebooks get their parameters from widgets. The function below uses `region`, which the line above it takes from one.

# COMMAND ----------

# DBTITLE 1,Step 4: a widget
dbutils.widgets.text("region", "north", "Region to call")
region = dbutils.widgets.get("region")


def in_our_region(customers: DataFrame) -> DataFrame:
    """Keep the customers of the region that was asked for."""
    return customers.where(F.col("region") == region)

# COMMAND ----------

# MAGIC %md
# MAGIC The test sets the widget with a marker. `region` is then worked out inside this test, and forgotten after it: the next test
# MAGIC can have another region.
# MAGIC
# MAGIC ```python
# MAGIC @pytest.mark.nbh_widgets(region="south")
# MAGIC def test_only_customers_of_the_widget_s_region_are_kept(spark):
# MAGIC     """The widget says south, so the customer in the north is left out."""
# MAGIC     customers = spark.createDataFrame([(1, "north"), (2, "south")], "customer_id int, region string")
# MAGIC
# MAGIC     kept = in_our_region(customers)
# MAGIC
# MAGIC     assert [row["customer_id"] for row in kept.collect()] == [2]
# MAGIC ```

# COMMAND ----------

# MAGIC %md
# MAGIC ## Step 5: a cell without functions
# MAGIC
# MAGIC Many cells just do something, top to bottom. Such a cell is a unit too: give it a title, and a test can run that one cell on
# MAGIC the names it needs.

# COMMAND ----------

# DBTITLE 1,Pick whom to call
unhappy = flag_unhappy(customers).where("unhappy")
to_call = in_our_region(unhappy).select("customer_id")

# COMMAND ----------

# MAGIC %md
# MAGIC ```python
# MAGIC def test_cell_picks_unhappy_customers_of_the_region(notebook, spark):
# MAGIC     """Of two unhappy customers, only the one in the region is to be called."""
# MAGIC     customers = spark.createDataFrame(
# MAGIC         [(1, "north", 5), (2, "south", 5), (3, "north", 0)], "customer_id int, region string, complaints int"
# MAGIC     )
# MAGIC     demo = notebook("sample_notebooks/unit_test_demo.py", widgets={"region": "north"})
# MAGIC
# MAGIC     made = demo.cell("Pick whom to call").execute(customers=customers)
# MAGIC
# MAGIC     assert [row["customer_id"] for row in made.to_call.collect()] == [1]
# MAGIC ```
# MAGIC
# MAGIC `notebook` loads this file by its path. It works for every notebook, also for names such as `01-bronze-ingest.py` that Python
# MAGIC can't import. What the cell made comes back as attributes: `made.unhappy`, `made.to_call`.

# COMMAND ----------

# MAGIC %md
# MAGIC ## Step 6: a value that comes from data
# MAGIC
# MAGIC `average_complaints` comes from data. A test of the function below it should not hang on what happens to be in a table, so the
# MAGIC test says what the value is.

# COMMAND ----------

# DBTITLE 1,Step 6: a value from data
average_complaints = customers.agg(F.avg("complaints")).first()[0]


def complains_more_than_most(complaints: int) -> bool:
    """Say whether these complaints are at least twice the average."""
    return complaints >= 2 * average_complaints

# COMMAND ----------

# MAGIC %md
# MAGIC ```python
# MAGIC def test_twice_the_average_is_more_than_most(notebook):
# MAGIC     """With 2 complaints on average, 4 are twice as many and 3 are not."""
# MAGIC     demo = notebook("sample_notebooks/unit_test_demo.py", values={"average_complaints": 2.0})
# MAGIC
# MAGIC     answers = [demo.complains_more_than_most(complaints) for complaints in (3, 4)]
# MAGIC
# MAGIC     assert answers == [False, True]
# MAGIC ```
# MAGIC
# MAGIC Forget the value, and it is worked out with the test's own Spark: here from the made-up customers above. Where that can't be
# MAGIC done, because the test's Spark has no such table, the test stops with a message that names the value, the cell and line that
# MAGIC compute it, and how to give it. Nothing is guessed.

# COMMAND ----------

# MAGIC %md
# MAGIC ## What is loaded, and what is held back
# MAGIC
# MAGIC | in this notebook | in a test |
# MAGIC |---|---|
# MAGIC | `from pyspark.sql import …`, `def churn_rate`, `COMPLAINT_LIMIT = 3` | loaded |
# MAGIC | `region = dbutils.widgets.get("region")`, `customers = …`, `average_complaints = …` | held back; worked out when a test first needs it, with that test's widgets and Spark, and forgotten after it |
# MAGIC | `display(…)`, `print(…)`, `createOrReplaceTempView(…)`, the check of step 3, `%pip` | held back; never run |
# MAGIC | a whole cell, such as "Pick whom to call" | run where a test asks for that cell |

# COMMAND ----------

# DBTITLE 1,Hand over to the call centre
to_call.createOrReplaceTempView("to_call")
display(to_call)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Run the tests in the workspace
# MAGIC
# MAGIC You need no terminal: a cell runs them, on this notebook's own `spark`. Paths count from this notebook's folder. Edit a
# MAGIC function or a test, run the cell again, and the new text is tested. Where a test fails, the cell fails and says which; so does
# MAGIC a job that runs this notebook.

# COMMAND ----------

# DBTITLE 1,Run the tests
import harness

harness.run_tests("tests/test_unit_test_demo.py")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Your turn
# MAGIC
# MAGIC 1. Change `>=` to `>` in `flag_unhappy`, run the tests, and read the failure: which line, which case?
# MAGIC 2. Change it back. Add a test: what should `churn_rate(0, 100)` give?
# MAGIC 3. `churn_rate(5, -1)` gives -5.0 today. What should it do? Write the test first, see it fail, then mend the function.
