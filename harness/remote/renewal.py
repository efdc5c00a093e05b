"""A sign-in that ends before its time: the SDK renews a token by the time that it was given, and not where it is refused."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar

from harness.remote.told import is_bad_sign_in

if TYPE_CHECKING:
    from collections.abc import Callable

_FIXED = frozenset({"", "pat", "basic"})
"""What can't be signed in anew with: a token that has ended stays so."""

_Answer = TypeVar("_Answer")


class Renewal:
    """Makes calls; where a token isn't taken any more, one sign-in for all threads, and the call once more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made = 0

    def around(self, config: Any, call: Callable[[], _Answer]) -> _Answer:
        """Make a call; one that was refused for its sign-in wasn't carried out, so it may be made again whatever it does."""
        made = self._made
        try:
            return call()
        except Exception as exc:
            if str(config.auth_type or "") in _FIXED or not is_bad_sign_in(exc):
                raise
        with self._lock:
            if self._made == made:  # else another thread has signed in since
                config.init_auth()
                self._made += 1
        return call()
