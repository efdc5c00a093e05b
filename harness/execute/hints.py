"""What is said of a failed run beside its error, where the error alone leads astray."""

from __future__ import annotations

import os
import re

_NOT_FOUND = re.compile(r"Path does not exist: dbfs:(/.+?)\. SQLSTATE")


def hint(error: str) -> str:
    """A line for an error's text; "" if there is nothing to say."""
    found = _NOT_FOUND.search(error)
    if found is not None and os.path.exists(found[1]):
        return (
            f"\nthis machine has {found[1]}, but in a notebook that is run whole a path without a scheme is one of dbfs, as on "
            f"Databricks: put the file into dbfs or a volume first, or name it file:{found[1]}"
        )
    return ""
