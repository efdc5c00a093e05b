-- Databricks notebook source
-- MAGIC %md
-- MAGIC # Gold: who may leave, for the retention team
-- MAGIC
-- MAGIC An SQL notebook. One Python cell gives SQL a function that has rules of its own, and so deserves a test.

-- COMMAND ----------

CREATE WIDGET TEXT catalog DEFAULT "ppd_telecom";
CREATE WIDGET TEXT schema DEFAULT "churn";

-- COMMAND ----------

-- DBTITLE 1,Words for a score
-- MAGIC %python
-- MAGIC HIGH_RISK = 0.7
-- MAGIC MEDIUM_RISK = 0.4
-- MAGIC
-- MAGIC
-- MAGIC def risk_label(score):
-- MAGIC     """Put a churn score into the words that the retention team uses."""
-- MAGIC     if score is None:
-- MAGIC         return "unknown"
-- MAGIC     if not 0 <= score <= 1:
-- MAGIC         raise ValueError(f"a score lies between 0 and 1, not at {score}")
-- MAGIC     if score >= HIGH_RISK:
-- MAGIC         return "high"
-- MAGIC     return "medium" if score >= MEDIUM_RISK else "low"
-- MAGIC
-- MAGIC
-- MAGIC spark.udf.register("risk_label", risk_label, "string")

-- COMMAND ----------

-- DBTITLE 1,Gold table
CREATE OR REPLACE TABLE IDENTIFIER(:catalog || '.' || :schema || '.gold_churn') AS
SELECT
  f.customer_id,
  f.band,
  f.monthly_charge,
  s.score,
  risk_label(s.score) AS risk
FROM IDENTIFIER(:catalog || '.' || :schema || '.features') AS f
LEFT JOIN IDENTIFIER(:catalog || '.' || :schema || '.churn_scores') AS s
  ON f.customer_id = s.customer_id;

-- COMMAND ----------

-- DBTITLE 1,What leaving would cost a month
SELECT risk, count(*) AS customers, sum(monthly_charge) AS charge_at_risk
FROM IDENTIFIER(:catalog || '.' || :schema || '.gold_churn')
GROUP BY risk
ORDER BY charge_at_risk DESC;
