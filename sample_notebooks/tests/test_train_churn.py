"""The training notebook: the parts that decide what the model learns and what is served."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from sample_notebooks.train_churn import (
    CATEGORIES,
    NUMBERS,
    ChurnScorer,
    build_training_set,
    churn_scores,
    evaluate,
    threshold_for_recall,
    train,
)

FEATURES = (
    "customer_id int, tenure_months int, monthly_charge double, "
    "minutes int, data_gb double, minutes_drop double, contract string"
)


def make_customers(count: int) -> pd.DataFrame:
    """Make customers of whom every second one left; those who left used to call less and less."""
    return pd.DataFrame(
        {
            "tenure_months": [12 + n for n in range(count)],
            "monthly_charge": [30.0] * count,
            "minutes": [200 + n for n in range(count)],
            "data_gb": [5.0] * count,
            "minutes_drop": [0.9 if n % 2 else 0.1 for n in range(count)],
            "contract": ["monthly" if n % 3 else "one-year" for n in range(count)],
            "churned": [bool(n % 2) for n in range(count)],
        }
    )


@pytest.mark.parametrize(("recall", "threshold"), [(1.0, 0.2), (0.75, 0.4), (0.7, 0.4), (0.5, 0.6), (0.01, 0.9)])
def test_threshold_finds_the_wanted_share_of_leavers(recall, threshold):
    """Four left, with scores 0.9, 0.6, 0.4 and 0.2: half of them are found at 0.6."""
    labels = [1, 0, 1, 1, 0, 1]
    scores = [0.9, 0.8, 0.6, 0.4, 0.3, 0.2]

    assert threshold_for_recall(labels, scores, recall) == threshold


@pytest.mark.parametrize(
    ("labels", "recall", "reason"), [([0, 0], 0.8, "nobody left"), ([1, 0], 0.0, "recall"), ([1, 0], 1.1, "recall")]
)
def test_threshold_that_cannot_be_had_is_refused(labels, recall, reason):
    """Without leavers, or with a recall that means nothing, there is no honest threshold."""
    with pytest.raises(ValueError, match=reason):
        threshold_for_recall(labels, [0.5, 0.5], recall)


@pytest.mark.nbh_widgets(as_of="2026-07-31")
@pytest.mark.parametrize(
    ("left_on", "labels"),
    [
        (None, [False]),
        (date(2026, 8, 1), [True]),
        (date(2026, 10, 29), [True]),
        (date(2026, 10, 30), [False]),
        (date(2026, 7, 31), []),
    ],
    ids=["stays", "next day", "last day of the horizon", "later", "gone already"],
)
def test_label_says_who_leaves_within_the_horizon(spark, left_on, labels):
    """Leaving 1 to 90 days after the features' day is churn; who is gone by then teaches nothing."""
    features = spark.createDataFrame([(1, 3, 29.95, 100, 2.0, 0.5, "monthly")], FEATURES)
    departures = spark.createDataFrame([(1, left_on)] if left_on else [], "customer_id int, left_on date")

    training_set = build_training_set(features, departures)

    assert [row["churned"] for row in training_set.collect()] == labels


def test_model_learns_that_falling_usage_means_leaving():
    """A customer who calls ever less scores higher than one who calls as before."""
    model = train(make_customers(40))

    scores = churn_scores(model, make_customers(2))

    assert scores[1] > 0.5 > scores[0]


def test_model_takes_a_contract_it_has_never_seen():
    """A new kind of contract must not stop the scoring of everybody."""
    model = train(make_customers(40))
    customer = make_customers(1).assign(contract="five-year")

    scores = churn_scores(model, customer)

    assert scores.between(0, 1).all()


def test_evaluation_of_a_perfect_model():
    """On customers that are easy to tell apart, all metrics are 1."""
    model = train(make_customers(40))

    metrics = evaluate(model, make_customers(10), threshold=0.5)

    assert metrics == {"auc": 1.0, "precision": 1.0, "recall": 1.0}


def test_served_model_applies_its_threshold():
    """A score at or above the threshold puts the customer at risk."""
    customers = make_customers(2)[NUMBERS + CATEGORIES]
    model = train(make_customers(40))
    stays, leaves = churn_scores(model, customers)

    answers = [ChurnScorer(model, threshold).predict(None, customers)["at_risk"].tolist() for threshold in (stays, leaves, 1.0)]

    assert answers == [[True, True], [False, True], [False, False]]
