"""IPython's application around a kernel, told all by us: what a developer's own IPython would add, Databricks doesn't have."""

from __future__ import annotations

import logging
import threading
from typing import Any

from ipykernel.kernelapp import IPKernelApp
from IPython.core.profiledir import ProfileDir
from traitlets.config import Config

from harness.execute.outputs import Messages, Stream

SETTINGS = Config(HistoryManager=Config(enabled=False), InteractiveShell=Config(colors="nocolor"))


class NoProfile(ProfileDir):  # type: ignore[misc]  # the library has no types that mypy reads
    """A profile in which nobody has written anything."""

    def _mkdir(self, path: str, mode: int | None = None) -> bool:  # noqa: ARG002 -- the library's own signature
        return False


def make_app(folder: str, kernel_class: type) -> ProfileDir:
    """Make the application in the warm parent, so far as it is the same for all kernels; gives its profile."""
    profile = NoProfile(location=folder)
    app = App.instance(
        config=SETTINGS,
        kernel_class=kernel_class,
        log=logging.getLogger(__name__),
        profile_dir=profile,
        connection_dir=folder,
    )
    app.session  # noqa: B018 -- it is made when it is asked for
    return profile


class NoThread:
    """Stands for the thread that subshells are asked on: a cell with an ``await`` asks it which thread cells run in."""

    def __init__(self) -> None:
        self.parent_thread = threading.current_thread()

    def __bool__(self) -> bool:
        return False


class App(IPKernelApp):  # type: ignore[misc]  # as above
    """A kernel without command line, profile, extensions and start-up files."""

    outstream_class = f"{Stream.__module__}.{Stream.__qualname__}"

    def parse_command_line(self, argv: Any = None) -> None:
        """There is none."""

    def init_crash_handler(self) -> None:
        """Have errors stand in the kernel's log as they are."""

    def begin(self, connection_file: str) -> None:
        """Turn to this process, in the fork that it is for."""
        self.connection_file = connection_file
        self.session.begin()

    def init_profile_dir(self) -> None:
        """Leave it the empty one."""

    def init_config_files(self) -> None:
        """There are none."""

    def update_config(self, config: Config) -> None:
        """Leave all as it was made: there was nothing to read, and to set each trait anew takes as long as a cell."""

    def load_config_file(self, suppress_errors: bool | None = None) -> None:  # noqa: FBT001 -- the library's own signature
        """There is none."""

    def init_extensions(self) -> None:
        """Load none."""

    def init_code(self) -> None:
        """Run nothing first: start-up files are a profile's, and PYTHONSTARTUP is for those who type."""

    def init_heartbeat(self) -> None:
        """Let it be: whether a kernel lives its process says."""

    def init_control(self, context: Any) -> None:
        """Have cells asked for in the main thread: one is asked after the other, and nobody asks for a subshell."""
        super().init_control(context)
        self.shell_channel_thread.io_loop.close()
        self.shell_channel_thread: Any = NoThread()

    def init_iopub(self, context: Any) -> None:
        """Have no output dropped because the other side is slow: zmq would, without a word, beyond a thousand."""
        context.sndhwm = 0
        super().init_iopub(context)

    def write_connection_file(self, **_info: Any) -> None:
        """Leave it as pytest has written it."""

    def _session_default(self) -> Messages:
        return Messages(parent=self, username="kernel")
