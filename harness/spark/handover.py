"""Hands a Java of ours to pyspark, listens to what is asked of it, and lets go of it again."""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from harness.spark import home
from harness.spark.clients import forked_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def variables(*, port: int, secret: str) -> contextlib.AbstractContextManager[None]:
    """Tell pyspark of our gateway, by the variables that it offers for it."""
    wanted = {
        "PYSPARK_GATEWAY_PORT": str(port),
        "PYSPARK_GATEWAY_SECRET": secret,
        # pyspark's default is the first python3 on PATH, which need not be this one.
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
    }
    return home.variables(wanted)


def forget_gateway() -> None:
    """Let pyspark start anew later in this process: it keeps its gateway for good, and ours is about to end."""
    from pyspark import SparkContext

    gateway = SparkContext._gateway  # noqa: SLF001 -- pyspark has no public way to let go of a gateway
    if gateway is not None:
        gateway.shutdown()
    SparkContext._gateway = None  # noqa: SLF001 -- as above
    SparkContext._jvm = None  # noqa: SLF001 -- as above
    SparkContext._active_spark_context = None  # noqa: SLF001 -- its Java is gone


@contextlib.contextmanager
def own_interrupt_handler() -> Iterator[None]:
    """Put back Ctrl-C's handler: pyspark's own asks Spark to cancel jobs, and fails once Spark has ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def remove(folder: Path) -> None:
    """Remove the folder of a Java that has ended."""
    # The JVM's own shutdown removes the same folder; both may be at it, so what is gone already is no fault.
    for _ in range(3):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)


def refuse(gateway: Any) -> None:
    """In a forked process: make each call an error, and leave the connections as they are, for they are the other one's too."""
    client = gateway._gateway_client  # noqa: SLF001 -- as in `watch`
    for connection in [*client.deque]:
        connection.socket = None  # else it would be shut down with this process

    def told(*_args: Any, **_kwargs: Any) -> None:
        raise forked_error()

    client.send_command = told


def watch(gateway: Any, *, call: Callable[[], None], broken: Callable[[], None]) -> None:
    """Tell of each call on Java before it is made, and of one that found no Java any more."""
    from py4j import protocol  # type: ignore[import-untyped]  # published without types

    client = gateway._gateway_client  # noqa: SLF001 -- py4j has no public place to listen
    if "send_command" in vars(client):
        return  # Java goes on from a session before
    send = client.send_command

    def told(command: str, *args: Any, **kwargs: Any) -> Any:
        # What begins with m is Python's collector, which tells Java of objects that it let go.
        if not command.startswith("m\n"):
            call()
        try:
            answer = send(command, *args, **kwargs)
        except (protocol.Py4JNetworkError, OSError):
            broken()
            raise
        except Exception:
            raise
        except BaseException:
            # A time-out or Ctrl-C: the next call on this connection would wait for this one's answer, and take it for its own.
            interrupted = client.get_thread_connection()
            if interrupted is not None:
                interrupted.close()
            raise
        if answer == protocol.ERROR:  # py4j's own for an answer that was cut off; what Java refuses says more
            broken()
        return answer

    client.send_command = told
