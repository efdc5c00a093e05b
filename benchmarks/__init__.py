"""What the harness costs, and what it makes of notebooks that nobody here wrote: run as modules, never imported."""

from __future__ import annotations
