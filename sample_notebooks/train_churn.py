# Databricks notebook source
# MAGIC %md
# MAGIC # Training: who will leave in the next 90 days?
# MAGIC
# MAGIC Trains a small model on the silver features, logs it with MLflow and registers it in Unity Catalog.
# MAGIC The threshold is chosen so that the retention team sees most of those who would leave.

# COMMAND ----------

# MAGIC %pip install -q mlflow-skinny sqlalchemy scikit-learn skops
# MAGIC %restart_python

# COMMAND ----------

import json
from datetime import date

import mlflow
import pandas as pd
from mlflow.models import infer_signature
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_score, recall_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

# COMMAND ----------

# DBTITLE 1,Parameters
dbutils.widgets.text("catalog", "ppd_telecom", "Catalog")
dbutils.widgets.text("schema", "churn", "Schema")
dbutils.widgets.text("as_of", "2026-07-31", "Features as of")
dbutils.widgets.dropdown("recall", "0.8", ["0.6", "0.7", "0.8", "0.9"], "Share of leavers to find")

catalog = dbutils.widgets.get("catalog")
schema = dbutils.widgets.get("schema")
as_of = date.fromisoformat(dbutils.widgets.get("as_of"))
wanted_recall = float(dbutils.widgets.get("recall"))

# COMMAND ----------

# DBTITLE 1,What the model sees
NUMBERS = ["tenure_months", "monthly_charge", "minutes", "data_gb", "minutes_drop"]
CATEGORIES = ["contract"]
LABEL = "churned"
HORIZON_DAYS = 90
SEED = 7

# COMMAND ----------

# DBTITLE 1,Training set
def build_training_set(features: DataFrame, departures: DataFrame, horizon_days: int = HORIZON_DAYS) -> DataFrame:
    """Label each customer: did they leave within the horizon after ``as_of``?

    Who had left by ``as_of`` is no longer a customer, and teaches the model nothing: that row is dropped.
    """
    days = F.datediff("left_on", F.lit(as_of))
    return (
        features.join(departures.select("customer_id", "left_on"), "customer_id", "left")
        .where(F.col("left_on").isNull() | (days > 0))
        .withColumn(LABEL, F.coalesce(days <= horizon_days, F.lit(False)))
        .select("customer_id", *[F.col(name).cast("double") for name in NUMBERS], *CATEGORIES, LABEL)
    )

# COMMAND ----------

# DBTITLE 1,Model
def train(frame: pd.DataFrame) -> Pipeline:
    """Fit a logistic regression on scaled numbers and one column for each contract."""
    columns = make_column_transformer(
        (StandardScaler(), NUMBERS),
        (OneHotEncoder(handle_unknown="ignore"), CATEGORIES),
    )
    model = make_pipeline(columns, LogisticRegression(random_state=SEED))
    return model.fit(frame[NUMBERS + CATEGORIES], frame[LABEL])


def churn_scores(model: Pipeline, frame: pd.DataFrame) -> pd.Series:
    """Give each customer's probability to leave."""
    return pd.Series(model.predict_proba(frame[NUMBERS + CATEGORIES])[:, 1], index=frame.index, name="score")

# COMMAND ----------

# DBTITLE 1,Threshold and metrics
def threshold_for_recall(labels, scores, recall):
    """Give the highest threshold at which at least this share of the leavers is found.

    A customer counts as found when the score is at or above the threshold.
    """
    if not 0 < recall <= 1:
        raise ValueError(f"recall lies above 0 and is at most 1, not {recall}")
    of_leavers = sorted((score for label, score in zip(labels, scores, strict=True) if label), reverse=True)
    if not of_leavers:
        raise ValueError("nobody left, so no threshold can find them")
    return next(score for found, score in enumerate(of_leavers, start=1) if found / len(of_leavers) >= recall)


def evaluate(model: Pipeline, frame: pd.DataFrame, threshold: float) -> dict[str, float]:
    """Measure the model on customers that it was not trained on."""
    scores = churn_scores(model, frame)
    flagged = scores >= threshold
    return {
        "auc": roc_auc_score(frame[LABEL], scores),
        "precision": precision_score(frame[LABEL], flagged, zero_division=0),
        "recall": recall_score(frame[LABEL], flagged),
    }

# COMMAND ----------

# DBTITLE 1,What is served
class ChurnScorer(mlflow.pyfunc.PythonModel):
    """The model and its threshold in one piece, so that nobody can use one without the other."""

    def __init__(self, model: Pipeline, threshold: float):
        self.model = model
        self.threshold = threshold

    def predict(self, context, model_input: pd.DataFrame, params=None) -> pd.DataFrame:
        scores = churn_scores(self.model, model_input)
        return pd.DataFrame({"score": scores, "at_risk": scores >= self.threshold})

# COMMAND ----------

# DBTITLE 1,Read and split
training_set = build_training_set(
    spark.table(f"{catalog}.{schema}.features"), spark.table(f"{catalog}.{schema}.departures")
).toPandas()
fit_on, held_out = train_test_split(training_set, test_size=0.3, stratify=training_set[LABEL], random_state=SEED)
display(training_set.groupby(LABEL).size().reset_index(name="customers"))

# COMMAND ----------

# DBTITLE 1,Train, log and register
mlflow.set_registry_uri("databricks-uc")

with mlflow.start_run(run_name="churn"):
    model = train(fit_on)
    threshold = threshold_for_recall(fit_on[LABEL], churn_scores(model, fit_on), wanted_recall)
    metrics = evaluate(model, held_out, threshold)

    mlflow.log_params({"as_of": as_of.isoformat(), "horizon_days": HORIZON_DAYS, "threshold": threshold})
    mlflow.log_metrics(metrics)

    scorer = ChurnScorer(model, threshold)
    example = held_out[NUMBERS + CATEGORIES].head(5)
    mlflow.pyfunc.log_model(
        name="model",
        python_model=scorer,
        signature=infer_signature(example, scorer.predict(None, example)),
        input_example=example,
        registered_model_name=f"{catalog}.{schema}.churn",
    )

print(metrics)

# COMMAND ----------

# DBTITLE 1,Score everybody
scored = training_set[["customer_id"]].join(scorer.predict(None, training_set))
spark.createDataFrame(scored).write.mode("overwrite").saveAsTable(f"{catalog}.{schema}.churn_scores")

# COMMAND ----------

dbutils.notebook.exit(json.dumps({"status": "trained", "customers": len(scored), **metrics}))
