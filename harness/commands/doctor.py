"""``nbh doctor``: what is installed, what clashes, and how to mend it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import asdict
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import IO, TYPE_CHECKING

from harness.commands.project import addopts_of
from harness.errors import SettingsError
from harness.settings import Settings, settings_for
from harness.spark.facts import Fact, engine_facts, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_DISTRIBUTION = "databricks-notebook-harness"
_PLUGIN = "harness.plugin"
_OLDEST_PYTEST = (8, 3)
_OPTIONAL = ("coverage", "pytest-cov", "pytest-xdist", "nbformat")
_LABS = "databricks-labs-pytester"
# Fixtures that both we and databricks-labs-pytester have, or will have.
_SHARED_FIXTURES = ("spark", "ws", "make_catalog", "make_schema", "make_table", "make_volume", "make_random")
_TIMEOUT_S = 60


def examine(
    folder: str, *, env: Mapping[str, str] | None = None, versions: Callable[[str], str | None] = version_of
) -> list[Fact]:
    """Look at the environment that runs this, and at the project that a folder belongs to."""
    environ = os.environ if env is None else env
    return [
        Fact("harness", versions(_DISTRIBUTION) or "not installed", ok=True),
        *engine_facts(env=environ, versions=versions),
        _pytest(versions),
        _plugin(folder, environ),
        *_start(versions),
        *(Fact(name, versions(name) or "not installed", ok=True if versions(name) else None) for name in _OPTIONAL),
        *_settings(folder),
        *_packages(folder),
    ]


def _packages(folder: str) -> list[Fact]:
    """What notebooks install; told where whole runs can be had, which are what it is for."""
    if find_spec("nbclient") is None:
        return []
    from harness.commands.doctor_pip import pip_facts

    return pip_facts(folder)


def _pytest(versions: Callable[[str], str | None]) -> Fact:
    found = versions("pytest")
    if found is None:
        return Fact("pytest", "not installed", ok=False, mend='pip install "pytest>=8.3"')
    number = tuple(int(part) for part in re.findall(r"\d+", found)[:2])
    fits = number >= _OLDEST_PYTEST
    return Fact("pytest", found, ok=fits, mend="" if fits else 'pip install "pytest>=8.3"')


def _plugin(folder: str, env: Mapping[str, str]) -> Fact:
    """Say whether pytest will load our plugin in this project."""
    if not any(entry.name == _PLUGIN for entry in entry_points(group="pytest11")):
        mend = f"install {_DISTRIBUTION} with pip, so that pytest finds the plugin"
        return Fact("our pytest plugin", "not registered with pytest", ok=False, mend=mend)
    try:
        addopts = addopts_of(folder)
    except SettingsError:
        addopts = ""  # told with the settings
    for where, text in (("PYTEST_ADDOPTS", env.get("PYTEST_ADDOPTS", "")), ("addopts", addopts)):
        if re.search(rf"-p[ =]*no:{re.escape(_PLUGIN)}(?![\w.])", text):
            return Fact("our pytest plugin", f"blocked by {where}", ok=False, mend=f'take "-p no:{_PLUGIN}" out of {where}')
    asked = _PLUGIN in env.get("PYTEST_PLUGINS", "").split(",") or re.search(rf"-p[ =]*{re.escape(_PLUGIN)}(?![\w.])", addopts)
    if env.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD") and not asked:
        mend = f'unset PYTEST_DISABLE_PLUGIN_AUTOLOAD, or add "-p {_PLUGIN}" to addopts'
        return Fact("our pytest plugin", "blocked by PYTEST_DISABLE_PLUGIN_AUTOLOAD", ok=False, mend=mend)
    return Fact("our pytest plugin", "registered with pytest, and not blocked", ok=True)


def _start(versions: Callable[[str], str | None]) -> list[Fact]:
    """Start pytest with the plugins that are installed, on an empty folder: what clashes shows there."""
    if versions("pytest") is None:
        return []
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "COVERAGE_"))}
    with tempfile.TemporaryDirectory() as empty:
        command = [sys.executable, "-m", "pytest", "--fixtures", "-v", "-p", "no:cacheprovider", "--rootdir", empty, empty]
        try:
            done = subprocess.run(  # noqa: S603  # our own pytest
                command,
                cwd=empty,
                env=environ,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as exc:
            return [Fact("pytest's start", "no answer", ok=False, mend=f"run pytest --version by hand: {type(exc).__name__}")]
    found = fixture_owners(done.stdout)
    if "notebook" in found:
        return [Fact("pytest's start", "works with all plugins that are installed", ok=True), *_labs(found, versions)]
    said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    return [
        Fact("pytest's start", f'fails: "{said[-1].strip()[:200] if said else "nothing said"}"', ok=False, mend=_blame(said))
    ]


def _blame(said: Iterable[str]) -> str:
    """Name the plugin that a failed start tells of."""
    text = "\n".join(said)
    named = re.search(r"Plugin '([^']+)' .*could not be loaded|Plugin '([^']+)' for hook", text)
    if "importnb" in text or (named and "importnb" in (named[1] or named[2])):
        return 'pip uninstall importnb, or run pytest with "-p no:importnb": its plugin is older than pytest 9'
    if named:
        plugin = named[1] or named[2]
        return f'uninstall or update the package of the plugin {plugin}, or run pytest with "-p no:{plugin}"'
    return "run pytest on an empty folder and read its whole answer: a plugin doesn't fit this pytest"


def fixture_owners(shown: str) -> dict[str, str]:
    """Read from ``pytest --fixtures`` which file each fixture comes from."""
    return dict(re.findall(r"^(\w+)(?: \[\w+ scope\])? -- (.+?)(?::\d+)?$", shown, flags=re.MULTILINE))


def _labs(owners: Mapping[str, str], versions: Callable[[str], str | None]) -> list[Fact]:
    """Say whose fixture wins where databricks-labs-pytester is installed beside us."""
    found = versions(_LABS)
    if found is None:
        return []
    told = []
    for name in _SHARED_FIXTURES:
        if name in owners:
            ours = "labs" not in owners[name].replace("\\", "/").split("/")
            told.append(f"{name} is {'ours' if ours else 'its own'}")
    return [Fact(_LABS, f"{found}: {', '.join(told)}; a fixture of your own conftest.py wins over both", ok=None)]


def _settings(folder: str) -> list[Fact]:
    try:
        settings = settings_for(folder)
        addopts_of(folder)
    except SettingsError as error:
        return [Fact("settings", str(error).split("\n", 1)[0], ok=False, mend=error.mend)]
    file = os.path.join(settings.folder, "pyproject.toml")
    if not os.path.isfile(file):
        return [Fact("settings", "none: no pyproject.toml here or above, so the defaults hold", ok=None)]
    shown = os.path.relpath(file, folder).replace(os.sep, "/")
    if settings == Settings(settings.folder):
        return [Fact("settings", f"{shown}: [tool.nbh] sets nothing, so the defaults hold", ok=True)]
    facts = [Fact("settings", f"{shown}: [tool.nbh]", ok=True)]
    for name, paths in (("roots", settings.roots), ("run_prefixes", tuple(settings.run_prefixes.values()))):
        mend = f"correct {name} under [tool.nbh], or make the folder"
        missing = [path for path in paths if not os.path.isdir(os.path.join(settings.folder, path))]
        facts += [Fact(name, f'"{path}" is no folder', ok=False, mend=mend) for path in missing]
    return facts


def show(facts: Sequence[Fact]) -> None:
    """Print a line for each fact, with the mend below each bad one, and how many those are."""
    from rich.table import Table
    from rich.text import Text

    from harness.commands.table import console as console_here

    marks = {True: Text("ok", style="green"), False: Text("wrong", style="bold red"), None: Text("-", style="dim")}
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for width in (5, max(len(fact.name) for fact in facts)):
        table.add_column(width=width, no_wrap=True)
    table.add_column(overflow="fold")
    for fact in facts:
        table.add_row(marks[fact.ok], Text(fact.name), Text(fact.value))
        if fact.mend:
            table.add_row("", "", Text(f"mend: {fact.mend}", style="bold"))
    bad = sum(1 for fact in facts if fact.ok is False)
    console = console_here()
    with console.capture() as captured:
        console.print(table)
    console.file.write(re.sub(r" +$", "", captured.get(), flags=re.MULTILINE) + "\n")
    console.print(Text(f"{bad} {'thing' if bad == 1 else 'things'} to mend" if bad else "nothing to mend", style="bold"))


def write_json(facts: Sequence[Fact], out: IO[str]) -> None:
    """Write the facts as JSON."""
    json.dump({"facts": [asdict(fact) for fact in facts]}, out, ensure_ascii=False, indent=1)
    out.write("\n")
