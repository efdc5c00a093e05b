"""What the running test gives to notebooks beside its fixtures: secrets, task values, Spark's catalogs; and what it hides."""

from __future__ import annotations

import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from harness.collect.engine import AROUND, SPARK
from harness.collect.remote import environment_here, remote_if_used, remote_of
from harness.collect.session import SESSION
from harness.collect.warned import as_data, of_data
from harness.errors import DbutilsArgumentError, RunEngineError
from harness.runtime.surroundings import Surroundings

if TYPE_CHECKING:
    import warnings
    from collections.abc import Callable

    from harness.execute.host import Host, Place
    from harness.runtime.secrets import Beyond
    from harness.spark.connect import ConnectSession

# Tracebacks show the user's lines, not these.
__tracebackhide__ = True

_FIXTURES = threading.Lock()
"""pytest makes a fixture's value for one thread at a time, and a notebook may run others from several."""

_SURROUNDINGS = pytest.StashKey[Surroundings]()


def surroundings_of(item: pytest.Item) -> Surroundings:
    """The test's own; made at the first use.

    Raises:
        DbutilsArgumentError: A marker ``nbh_secrets`` holds something else than texts by scope and key.
    """
    if _SURROUNDINGS not in item.stash:
        item.stash[_SURROUNDINGS] = around = Surroundings(secrets=_secrets(item), beyond=partial(_beyond, item.config))
        item.config.pluginmanager.register(_Warned(item, around))
    return item.stash[_SURROUNDINGS]


def _beyond(config: pytest.Config) -> Beyond | None:
    """The secrets of the run's workspace, or of the notebook that runs the tests."""
    around = config.stash.get(AROUND, None)
    if around is not None and around.dbutils is not None:
        from harness.runtime.around import NotebooksSecrets

        return NotebooksSecrets(around.dbutils)
    if not environment_here(config).is_remote:
        return None
    from harness.remote.scopes import WorkspaceSecrets

    return WorkspaceSecrets(remote_of(config).workspace)


def _secrets(item: pytest.Item) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for marker in item.iter_markers("nbh_secrets"):  # the closest comes first, and wins
        for scopes in (*marker.args, marker.kwargs):
            if not isinstance(scopes, dict) or not all(isinstance(keys, dict) for keys in scopes.values()):
                raise _bad_marker(f"it got {type(scopes).__name__}")
            for scope, keys in scopes.items():
                for key, value in keys.items():
                    if not all(isinstance(part, str) for part in (scope, key, value)):
                        raise _bad_marker(f"the value of {scope!r}, {key!r} is of type {type(value).__name__}")
                    found.setdefault(scope, {}).setdefault(key, value)
    return found


def _bad_marker(cause: str) -> DbutilsArgumentError:
    return DbutilsArgumentError(
        "the marker nbh_secrets takes texts by scope and key",
        cause=cause,
        mend='write nbh_secrets({"my-scope": {"api-token": "…"}})',
    )


def session_of(request: pytest.FixtureRequest) -> ConnectSession:
    """The session whose catalogs this test sees.

    Raises:
        RunEngineError: They aren't on the warm engine, the only one that a second process can see.
    """
    with _FIXTURES:
        request.getfixturevalue("spark")
    session: Any = request.config.stash[SPARK]
    if session.kind != "connect":
        raise RunEngineError(
            "a notebook can't be run whole beside this Spark",
            cause=f"this test's engine is {session.kind}: it lives inside pytest, out of reach for the notebook's process",
            mend="run the test on the default engine, without --nbh-engine classic and its mark",
        )
    return session  # type: ignore[no-any-return]  # told by its kind


def unit_host(request: pytest.FixtureRequest) -> Host:
    """What answers the ``dbutils`` of this test's units."""
    from harness.execute.host import Host
    from harness.settings import settings_for

    around = surroundings_of(request.node)

    def run(path: str, **asked: Any) -> Any:
        with _FIXTURES:
            kernels = request.getfixturevalue("_kernels")
        allow = request.config.getoption("--nbh-allow")
        return kernels.run(path, around=around, session=partial(session_of, request), allow=allow, **asked)

    return Host(
        around,
        place=lambda: _place(request),
        settings=lambda: settings_for(_place(request).path),
        run=run,
        root=str(request.config.rootpath),
    )


def _place(request: pytest.FixtureRequest) -> Place:
    """The notebook whose code asks, by the frames that led here; else the test file."""
    from pathlib import Path

    from harness.execute.host import Place

    loader, path = request.config.stash[SESSION].existing, str(request.path)
    frame = sys._getframe()  # noqa: SLF001 -- Python's own way to the callers
    while loader is not None and frame is not None:
        if loader.known(frame.f_code.co_filename) is not None:
            path = frame.f_code.co_filename
            break
        frame = frame.f_back  # type: ignore[assignment]  # None at the end
    return Place(path, Path(path).stem)


def hide(report: pytest.TestReport, item: pytest.Item) -> None:
    """Take the secrets that the test's notebooks have read, and those of a sign-in, out of what is told of it."""
    around, remote = item.stash.get(_SURROUNDINGS, None), remote_if_used(item.config)
    if around is not None and around.redactor:
        _hide(report, around.redactor.text)
        report.user_properties = [(name, around.redactor.data(value)) for name, value in report.user_properties]
    if remote is not None:
        _hide(report, remote.mask)
        # JUnit writes them as texts whatever they are; what needs no masking stays what it is.
        report.user_properties = [
            (name, masked if (masked := remote.mask(str(value))) != str(value) else value)
            for name, value in report.user_properties
        ]


class _Warned:
    """Takes a test's secrets out of its warnings too: pytest tells of them once the test is over, to each plugin in turn."""

    def __init__(self, item: pytest.Item, around: Surroundings) -> None:
        self._nodeid, self._around = item.nodeid, around
        self._manager = item.config.pluginmanager

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, nodeid: str) -> None:
        text = str(warning_message.message)
        hidden = self._around.redactor.text(text)
        if nodeid == self._nodeid and hidden != text:
            told = of_data({**as_data(warning_message, nodeid, ""), "text": hidden})
            warning_message.message, warning_message.category = told.message, told.category

    def pytest_runtest_logstart(self) -> None:  # the next test's
        self._manager.unregister(self)


def _hide(report: pytest.TestReport, hide: Callable[[str], str]) -> None:
    report.sections = [(title, hide(text)) for title, text in report.sections]
    report.longrepr = _hidden(report.longrepr, hide)


def _hidden(value: Any, hide: Callable[[str], str]) -> Any:
    """The same failure without the secrets: pytest's own classes hold it, and their paths and lines stay."""
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, list | tuple):
        return type(value)([_hidden(part, hide) for part in value])
    if type(value).__module__.startswith("_pytest."):
        for name, held in vars(value).items():
            if name not in ("path", "style"):
                object.__setattr__(value, name, _hidden(held, hide))
    return value
