"""What all tests of this repository share; the harness itself comes in as an installed plugin."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from inner_runs import ADDOPTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytest_plugins = ("pytester",)

# These ask one server of their own.
CATALOGS = [
    f"tests/spark/test_{name}.py" for name in ("catalogs", "databricks_sql", "fidelity", "keys", "metastore", "statements")
]

# What takes longest: begun late, one of them would run alone at the end.
LONG = ["tests/spark/test_engine.py", *CATALOGS, "tests/spark/test_probes.py", "tests/spark/", "tests/plugin/", "tests/meta/"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    items.sort(key=lambda item: next((rank for rank, name in enumerate(LONG) if item.nodeid.startswith(name)), len(LONG)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep together the tests of a file, for their fixtures, and those of the catalogs, for their server."""
    from xdist.scheduler import LoadScopeScheduling

    class Files(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "catalogs" if file in CATALOGS else file

    config.option.loadscopereorder = False  # by the count of tests, which says little of the time that they take
    return Files(config, log)


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """As pytest has it, for runs that start fast."""
    monkeypatch.setenv("PYTEST_ADDOPTS", ADDOPTS)
    return pytester


@pytest.fixture(scope="session")
def borrow() -> Callable[[Path], Path]:
    """Make a folder a cache of its own, which has its jars and class archives from the one in use."""
    from harness.spark import places

    kept = places.cache(os.environ).folder

    def make(folder: Path) -> Path:
        places.private(folder)
        for name in ("jars", "classes"):
            if not (folder / name).exists():
                (folder / name).symlink_to(places.private(kept / name).resolve())
        return folder

    return make


@pytest.fixture(scope="module")
def own_cache(borrow: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache with an engine of its own, for tests of what stays on one that outlives its run; ended after them."""
    folder = borrow(tmp_path_factory.mktemp("cache"))
    yield folder
    env = {**os.environ, "NBH_CACHE_DIR": str(folder)}
    subprocess.run([sys.executable, "-m", "harness", "spark", "stop"], env=env, cwd=folder, capture_output=True, check=True)


@pytest.fixture(scope="session", autouse=True)
def _one_cache(request: pytest.FixtureRequest) -> Iterator[None]:
    """Keep the cache where it is: pytester gives each test a home of its own, and an engine would be started in each.

    Each of xdist's workers has a cache of its own: tests look at all that runs, or is kept, in theirs.
    """
    if find_spec("platformdirs") is None:
        yield
        return
    from harness.spark import places

    folder = places.cache(os.environ).folder
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        folder = request.getfixturevalue("borrow")(folder / "tests" / worker)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(places.VARIABLE, str(folder))
        yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name at a run's end what it left out for want of something."""
    if config.get_verbosity() < 0 or config.option.collectonly:
        return
    terminalreporter.section("left out for want of something")
    for line in runpy.run_path(str(Path(__file__).parent / "scripts" / "left_out.py"))["left_out"]():
        terminalreporter.line(line)
