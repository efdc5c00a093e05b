"""The ``.ipynb`` notebook: imported like any other."""

from __future__ import annotations

import pytest
from chispa import assert_df_equality
from sample_notebooks.churn_profile import large_segments, lift, segment_profile


@pytest.mark.parametrize(("segment", "overall", "times"), [(0.3, 0.1, 3.0), (0.1, 0.1, 1.0), (0.0, 0.1, 0.0), (0.0, 0.0, None)])
def test_lift_is_how_many_times_the_overall_rate(segment, overall, times):
    """Three times as many leavers is a lift of 3; where nobody leaves there is no lift to speak of."""
    assert lift(segment, overall) == times


def test_profile_has_one_line_for_each_segment(spark):
    """Two new customers, one of whom left, and one loyal one who stayed."""
    customers = spark.createDataFrame([("new", True), ("new", False), ("loyal", False)], "band string, churned boolean")

    profile = segment_profile(customers, "band")

    expected = spark.createDataFrame([("loyal", 1, 0.0), ("new", 2, 0.5)], "segment string, customers long, churn_rate double")
    assert_df_equality(profile, expected, ignore_nullable=True)


def test_small_segments_are_left_out(spark):
    """The limit itself is large enough."""
    profile = spark.createDataFrame([("new", 29), ("loyal", 30)], "segment string, customers int")

    large = large_segments(profile)

    assert [row["segment"] for row in large.collect()] == ["loyal"]
