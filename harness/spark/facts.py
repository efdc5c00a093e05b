"""What `nbh doctor` tells about Python, Spark and Java: plain facts, each bad one with a mend."""

from __future__ import annotations

from importlib import metadata


def version_of(distribution: str) -> str | None:
    """The installed version, read from its metadata without importing it; None if it isn't installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def pyspark_version() -> str:
    """The version of the pyspark that is installed, by whatever distribution."""
    return next(
        (found for name in ("pyspark", "pyspark-connect", "pyspark-client") if (found := version_of(name))), "(unknown version)"
    )
