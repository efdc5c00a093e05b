"""``nbh rehearsal``: start, show and end the workspace on this machine, and say how one's own tools sign in to it."""

from __future__ import annotations

import json
import os
import shlex
import time
from typing import IO, TYPE_CHECKING, Any

from harness.rehearsal import control
from harness.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable

_NONE = "no rehearsal runs; `nbh rehearsal start` starts one, and so does pytest --databricks-env=rehearsal\n"


def start(folder: str, *, as_json: bool, out: IO[str], tell: Callable[[str], None]) -> bool:
    """Start it for a folder's project, if it doesn't run."""
    # What is started by hand is kept, in CI too: whoever starts it ends it.
    running = control.start(settings_for(os.path.join(folder, "x")), env={**os.environ, "CI": ""}, progress=tell)
    _show(describe(running), as_json=as_json, out=out)
    tell('your own tools sign in after: eval "$(nbh rehearsal env)"')
    return True


def status(folder: str, *, as_json: bool, out: IO[str], tell: Callable[[str], None]) -> bool:  # noqa: ARG001 -- as the others
    """Show it; false if it doesn't run."""
    running = control.find()
    _show(describe(running) if running is not None else {"running": False}, as_json=as_json, out=out)
    return running is not None


def stop(folder: str, *, as_json: bool, out: IO[str], tell: Callable[[str], None]) -> bool:  # noqa: ARG001 -- as the others
    """End it; that it doesn't run is fine too."""
    running = control.find()
    if running is not None:
        control.stop(running)
    ended = [] if running is None else [running.pid]
    if as_json:
        _show({"stopped": ended}, as_json=True, out=out)
    else:
        out.write("".join(f"ended the rehearsal with pid {pid}\n" for pid in ended) or "no rehearsal runs\n")
    return True


def env(folder: str, *, as_json: bool, out: IO[str], tell: Callable[[str], None]) -> bool:  # noqa: ARG001 -- as the others
    """Write lines that have a shell's clients sign in to it; false, and no line, if it doesn't run."""
    running = control.find()
    if running is None:
        tell(_NONE.rstrip())
        return False
    variables = variables_of(running)
    if as_json:
        _show(variables, as_json=True, out=out)
    else:
        out.write("".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()))
    return True


def variables_of(running: control.Running) -> dict[str, str]:
    """By what clients of Databricks' find it and trust it, whatever else of a sign-in the shell has."""
    return {
        "DATABRICKS_HOST": running.host,
        "DATABRICKS_TOKEN": running.token,
        "DATABRICKS_AUTH_TYPE": "pat",  # so that a client id or an Azure sign-in in the shell isn't one too many
        "DATABRICKS_CONFIG_PROFILE": "",
        "DATABRICKS_CONFIG_FILE": os.devnull,
        "REQUESTS_CA_BUNDLE": str(running.ca),  # the SDK for Python, MLflow
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(running.ca),  # databricks-connect
        "SSL_CERT_FILE": str(running.ca),  # the Databricks CLI, curl
    }


def describe(running: control.Running) -> dict[str, Any]:
    """It as data; how to sign in stands in its own file, which only its user may read."""
    return {
        "running": True,
        "pid": running.pid,
        "host": running.host,
        "ca": str(running.ca),
        "age_s": round(time.time() - running.up_since) if running.up_since else 0,
        "ends_with": running.owner or None,
        "log": str(running.log),
    }


def _show(facts: dict[str, Any], *, as_json: bool, out: IO[str]) -> None:
    if as_json:
        json.dump(facts, out)
        out.write("\n")
        return
    if not facts["running"]:
        out.write(_NONE)
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        if name != "running" and value is not None:
            out.write(f"{name:{width}}  {value}\n")
