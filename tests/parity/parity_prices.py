"""Plain code of a project, which no worker on a workspace can import."""

from __future__ import annotations

import logging
import threading

FACTOR = 3
_log = logging.getLogger(__name__)
_lock = threading.Lock()  # no pickle takes one


def raised(price):
    """Give the new price."""
    with_tax = _with_tax(price)
    _log.debug("%s", with_tax)
    return with_tax


def _with_tax(price):
    return price * FACTOR + 1


def counted(price):
    """Give it, with something at hand that can't travel."""
    with _lock:
        return price
