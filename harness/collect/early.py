"""The warm parent of kernels, begun by the controller: it gets warm while workers start, and each is lent a fork of it."""

from __future__ import annotations

import os
from contextlib import suppress
from fnmatch import fnmatch
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from harness.collect.remote import environment_here
from harness.errors import KernelsMissingError
from harness.execute.start import refuse_without_parts
from harness.execute.warm import Parent, shared_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BEGUN = pytest.StashKey[Parent]()

_WORDS = (b"run_notebook", b"run_job", b"notebook_run")
_MOST_FILES, _MOST_BYTES = 300, 1 << 18
"""How much is read for a guess."""


def begin(config: pytest.Config, run: str) -> None:
    """Start it, once, where tests are likely to run notebooks whole; ``run`` is pytest-xdist's name of this run."""
    if _BEGUN in config.stash or environment_here(config).is_remote or not _is_likely(config):
        return
    with suppress(KernelsMissingError):  # the fixtures tell of it
        refuse_without_parts()
        parent = config.stash[_BEGUN] = Parent(shared=shared_by(run))
        config.add_cleanup(parent.stop)
        config.pluginmanager.register(_Farewell(parent))
        parent.start()


class _Farewell:
    """Has the parent end while the workers do: what they were lent goes on without it."""

    def __init__(self, parent: Parent) -> None:
        self._parent = parent

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        self._parent.let_go()


def _is_likely(config: pytest.Config) -> bool:
    """Whether a test file says so: which tests there are is known to the workers only, and to them too late."""
    option = config.option
    if option.collectonly or option.keyword or option.markexpr or config.pluginmanager.has_plugin("_cov"):
        return False  # few of the tests may be left; and beside coverage the workers' parent imports more
    return any(map(_has_word, islice(_files(config), _MOST_FILES)))


def _files(config: pytest.Config) -> Iterator[str]:
    names, left_out = (*config.getini("python_files"), "conftest.py"), config.getini("norecursedirs")
    for arg in config.args:
        path = os.path.join(config.invocation_params.dir, arg.partition("::")[0])
        if os.path.isfile(path):
            yield path
        for folder, folders, files in os.walk(path):
            folders[:] = sorted(name for name in folders if not _fits(name, left_out))
            yield from (os.path.join(folder, name) for name in sorted(files) if _fits(name, names))


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def _has_word(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            text = file.read(_MOST_BYTES)
    except OSError:
        return False
    return any(word in text for word in _WORDS)
