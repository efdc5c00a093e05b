"""Fixtures for the tests of catalogs: one server for all of them, a space of its own for each test."""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from catalog_server import CatalogServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyspark.sql.connect.session import SparkSession


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CatalogServer]:
    """A Spark Connect server with Delta and the catalogs."""
    logging.getLogger("DataFrameQueryContextLogger").setLevel(logging.CRITICAL)
    running = CatalogServer(tmp_path_factory.mktemp("catalogs"))
    yield running
    running.stop()


@pytest.fixture
def join(server: CatalogServer) -> Iterator[Callable[[str], SparkSession]]:
    """Opens sessions in the space of a name; all are stopped, and all spaces dropped, at the end."""
    from pyspark.sql.connect.session import SparkSession

    opened: list[SparkSession] = []
    spaces: list[str] = []

    def open_in(space: str) -> SparkSession:
        session = SparkSession.builder.remote(server.url).create()
        session.conf.set("spark.nbh.space", space)
        opened.append(session)
        spaces.append(space)
        return session

    yield open_in
    for space in sorted(set(spaces)):
        opened[0].sql(f"NBH DROP SPACE IF EXISTS '{space}'")
    # A session that isn't stopped keeps Python from ending.
    for session in opened:
        session.stop()


@pytest.fixture
def sql(join: Callable[[str], SparkSession]) -> Callable[..., list[tuple[Any, ...]]]:
    """Runs a statement in a fresh space of this test and gives its rows as tuples; ``sql.spark`` is the session."""
    spark = join(f"test-{uuid.uuid4()}")

    def run(statement: str, **options: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in spark.sql(statement, **options).collect()]

    run.spark = spark  # type: ignore[attr-defined]
    return run
