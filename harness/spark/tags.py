"""The tags of a session's queries: they belong to the test that set them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from pyspark.sql import SparkSession


def tags_of(spark: SparkSession) -> AbstractSet[str]:
    """The tags that are set; none where Spark is gone, or doesn't know of any."""
    with contextlib.suppress(Exception):
        return frozenset(spark.getTags())
    return frozenset()


def put_back(spark: SparkSession, tags: AbstractSet[str]) -> None:
    """Have these tags set, and no others; nothing where Spark is gone."""
    with contextlib.suppress(Exception):
        if spark.getTags() != tags:
            spark.clearTags()
            for tag in tags:
                spark.addTag(tag)
