"""The SQL notebook: the function in its ``%python`` cell is a unit like any other."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("score", "label"),
    [(0.0, "low"), (0.39, "low"), (0.4, "medium"), (0.69, "medium"), (0.7, "high"), (1.0, "high"), (None, "unknown")],
)
def test_score_is_put_into_words(notebook, score, label):
    """Each label begins at its limit, and a customer without a score is unknown rather than safe."""
    gold = notebook("sample_notebooks/gold_churn.sql")

    assert gold.risk_label(score) == label


def test_score_that_is_no_probability_is_refused(notebook):
    """A percentage in place of a share would make everyone a high risk."""
    gold = notebook("sample_notebooks/gold_churn.sql")

    with pytest.raises(ValueError, match="not at 70"):
        gold.risk_label(70)


def test_sql_can_use_the_words(notebook, spark):
    """Registered as the notebook does it, the function works in SQL, and a null score is unknown there too."""
    gold = notebook("sample_notebooks/gold_churn.sql")
    spark.udf.register("risk_label", gold.risk_label, "string")

    labelled = spark.sql("SELECT risk_label(score) AS risk FROM VALUES (0.1D), (0.9D), (NULL) AS scores(score)")

    assert [row["risk"] for row in labelled.collect()] == ["low", "high", "unknown"]
