"""Has the clients of this process sign in to a rehearsal, and trust it."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.rehearsal.control import Running

_SIGN_IN = ("DATABRICKS_", "ARM_", "GOOGLE_CREDENTIALS")
"""How the variables begin that say who signs in where."""


@contextlib.contextmanager
def clients_of(running: Running) -> Iterator[None]:
    """For a while the variables of this process lead clients to the rehearsal, and to no workspace of the user's.

    To be entered before the first gRPC call of the process, which reads once what it trusts.
    """
    variables = {
        "DATABRICKS_HOST": running.host,
        "DATABRICKS_TOKEN": running.token,
        "DATABRICKS_CONFIG_FILE": os.devnull,
        "REQUESTS_CA_BUNDLE": str(running.ca),
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(running.ca),
    }
    before = {name: value for name, value in os.environ.items() if name.startswith(_SIGN_IN) or name in variables}
    for name in before:
        del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            os.environ.pop(name, None)
        os.environ.update(before)
