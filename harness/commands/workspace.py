"""The workspace of an environment, for commands."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from harness.environments import LOCAL, REHEARSAL, Environment, environment_of, found_at
from harness.errors import SettingsError
from harness.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.remote.client import SdkWorkspace


def environment_named(folder: str, name: str) -> Environment:
    """The environment of this name in a folder's project.

    Raises:
        SettingsError: There is none, it is wrong, or it is this machine.
    """
    environment = environment_of(name, settings_for(os.path.join(folder, "x")))
    if name == LOCAL:
        raise SettingsError("local is this machine, and no workspace", cause="it was named", mend="name another environment")
    return environment


@contextlib.contextmanager
def signed_in(folder: str, name: str, tell: Callable[[str], None]) -> Iterator[tuple[Environment, SdkWorkspace]]:
    """Sign in to the workspace of an environment; a rehearsal is started where none runs.

    Raises:
        SettingsError: The environment is unknown or wrong.
        RemoteError: Its workspace can't be reached, or doesn't take the sign-in.
        OnePlaceError: It turns out to be the place of another environment, and only one of the two is protected.
    """
    from harness.remote.client import connect

    environment = environment_named(folder, name)
    with contextlib.ExitStack() as undo:
        if name == REHEARSAL:
            from harness.rehearsal import control
            from harness.rehearsal.clients import rehearsed

            running = control.start(settings_for(os.path.join(folder, "x")), progress=tell)
            environment = undo.enter_context(rehearsed(environment, running))
        workspace = connect(environment.host, environment.profile)
        yield found_at(environment, workspace.host), workspace
