"""Jobs of a project: read from a bundle or a file, judged by what became of their tasks. Nothing here runs anything."""

from __future__ import annotations

BUNDLE_FILES = ("databricks.yml", "databricks.yaml", "bundle.yml", "bundle.yaml")
"""What a bundle's file may be called."""
