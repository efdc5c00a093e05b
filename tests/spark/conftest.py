"""Makes the catalogs' own fixtures known to the tests in this folder."""

from __future__ import annotations

from catalog_fixtures import join, server, sql

__all__ = ["join", "server", "sql"]
