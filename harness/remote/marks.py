"""The names of what the harness makes on a workspace: they carry our mark, the run, and when they may be removed by anybody."""

from __future__ import annotations

import re
import time

MARK = "nbh-"
TAG = "nbh"
"""The tag of clusters that the harness made; its value is the name."""

_NAME = re.compile(r"nbh[-_](?P<what>.+?)[-_](?P<run>[0-9a-z]{4,64})[-_]e(?P<expiry>\d{10})")
_FORM = "%Y%m%d%H"
_HOUR_S = 3600.0


def name_of(what: str, run_id: str, *, expires: float) -> str:
    """A name such as ``nbh-churn-9f2c01ab-e2026112314``: the hour (UTC) after which a sweep may take it."""
    plain = re.sub(r"[^a-z0-9]+", "-", what.lower()).strip("-")[:24].strip("-") or "run"
    hour = time.strftime(_FORM, time.gmtime(expires + _HOUR_S))
    return f"{MARK}{plain}-{run_id}-e{hour}"


def expiry_of(name: str) -> float | None:
    """When the thing of this name may be removed, in seconds since 1970; None if the name doesn't carry our mark."""
    import calendar

    found = _NAME.fullmatch(name)
    if found is None:
        return None
    try:
        return float(calendar.timegm(time.strptime(found["expiry"], _FORM)))
    except ValueError:
        return None
