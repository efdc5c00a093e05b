"""How a run asks the process that started it: one connection a question, so that its threads can ask at the same time."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from harness import errors
from harness.errors import HarnessError, LostAnswerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def answering(path: str, answer: Callable[..., Any]) -> Iterator[None]:
    """Answer what is asked on the socket of this path."""
    is_over = threading.Event()

    def serve() -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            if is_over.is_set():
                line.close()
                return
            threading.Thread(target=_answer_one, args=(line, answer), name="nbh-answer", daemon=True).start()

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(64)
        thread = threading.Thread(target=serve, name="nbh-host", daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            try:
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as last:
                    last.connect(path)  # it waits for a connection, and nothing else wakes it on every system
            except OSError:  # the notebook has removed the socket's file
                with suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)
            thread.join(1)


def _answer_one(line: socket.socket, answer: Callable[..., Any]) -> None:
    """Answer one question; an error of ours is an answer too."""
    with suppress(OSError), line, line.makefile("rw", encoding="utf-8") as talk:  # the run may end before it has its answer
        told: dict[str, Any]
        try:
            told = {"answer": answer(**json.loads(talk.readline()))}
        except HarnessError as exc:
            told = {"error": {"kind": type(exc).__name__, "what": exc.what, "cause": exc.cause, "mend": exc.mend}}
        except BaseException as exc:  # noqa: BLE001 -- a thread's edge: it is raised again on the other side
            told = {"failed": f"{type(exc).__name__}: {exc}"}
        talk.write(json.dumps(told) + "\n")


def asking(path: str) -> Callable[..., Any]:
    """Give the function that asks on the socket of this path.

    It raises what the other side raised, as `HarnessError`; or LostAnswerError where there is no answer.
    """

    def ask(what: str, **facts: Any) -> Any:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            try:
                line.connect(path)
                line.sendall(json.dumps({"what": what, **facts}).encode() + b"\n")
                told = line.makefile(encoding="utf-8").readline()
            except OSError as exc:
                raise _lost(f"the process that runs this notebook doesn't answer: {exc}") from exc
        answer: dict[str, Any] = json.loads(told) if told else {"failed": "the process that runs this notebook is gone"}
        if "error" in answer:
            error = answer["error"]
            raise getattr(errors, error["kind"])(error["what"], cause=error["cause"], mend=error["mend"])
        if "failed" in answer:
            raise _lost(answer["failed"])
        return answer["answer"]

    return ask


def _lost(why: str) -> LostAnswerError:
    return LostAnswerError(
        "dbutils got no answer", cause=why, mend="report it: this is a fault of the harness, or its process ended"
    )
