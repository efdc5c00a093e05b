"""Jobs of a project: read from a bundle or a file, judged by what became of their tasks. Nothing here runs anything."""

from __future__ import annotations
