"""What setup.py and setup.cfg say of a package, read as texts: a setup.py is a program, and isn't run for it."""

from __future__ import annotations

import ast
import os
from configparser import ConfigParser
from configparser import Error as IniError
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.jobs.errors import JobFileError
from harness.model import Location

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Setup:
    """What they say; ``name`` is "" and ``computed`` tells what where that isn't written out.

    ``packages`` are those of its wheel, and the modules beside them, where all are.
    """

    name: str = ""
    entries: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    computed: str = ""
    sources: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()


def read_setup(folder: str) -> Setup | None:
    """Read both files of a folder, setup.py's word before that of setup.cfg; None if they describe no package.

    Raises:
        JobFileError: One of them can't be read.
    """
    cfg, call = _cfg(os.path.join(folder, "setup.cfg")), _call(os.path.join(folder, "setup.py"))
    if call is None and not cfg.has_option("metadata", "name"):
        return None
    given, hidden = call if call is not None else ({}, set())
    name = given.get("name") or cfg.get("metadata", "name", fallback="")
    entries, computed = _entries(given.get("entry_points")), ""
    if "entry_points" in hidden or "**" in hidden:
        computed = "setup.py computes its entry points"
    if cfg.has_section("options.entry_points"):
        for group in cfg.options("options.entry_points"):
            _add(entries, cfg.get("options.entry_points", group).splitlines())
    packages = given.get("packages")
    single = given.get("py_modules")
    all_of_them = [str(one) for held in (packages, single) if isinstance(held, list | tuple) for one in held]
    is_whole = not hidden & {"**", "packages", "py_modules"}
    named = "" if "name" in hidden or "**" in hidden else str(name)
    told = {key: tuple(values) for key, values in entries.items()}
    return Setup(named, told, computed, _sources(given, cfg), tuple(all_of_them) if is_whole else ())


def _sources(given: Mapping[str, Any], cfg: ConfigParser) -> tuple[str, ...]:
    folders = given.get("package_dir")
    base = folders.get("") if isinstance(folders, dict) else None
    if base is None:
        lines = cfg.get("options", "package_dir", fallback="").splitlines()
        base = next((line.partition("=")[2].strip() for line in lines if line.strip().startswith("=")), None)
    where = cfg.get("options.packages.find", "where", fallback="").strip()
    return tuple(str(one) for one in (base, where) if one)


def _entries(value: Any) -> dict[str, list[str]]:
    """Entry points as setup() takes them: a mapping of groups, each a list or a text, or all as the text of an INI file."""
    made: dict[str, list[str]] = {}
    groups = value.values() if isinstance(value, dict) else [value] if isinstance(value, str) else ()
    for group in groups:
        _add(made, group.splitlines() if isinstance(group, str) else group if isinstance(group, list | tuple) else ())
    return made


def _add(made: dict[str, list[str]], lines: Iterable[Any]) -> None:
    for line in lines:
        name, is_entry, value = str(line).partition("=")
        if is_entry and not name.strip().startswith(("[", "#", ";")):
            made.setdefault(name.strip(), []).append(value.strip())


def _cfg(path: str) -> ConfigParser:
    parser = ConfigParser(interpolation=None, strict=False, delimiters=("=",))
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, IniError) as exc:
        raise _unreadable(path, exc) from exc
    return parser


def _call(path: str) -> tuple[dict[str, Any], set[str]] | None:
    """The arguments of its call of setup() that are written out, and the names of the others; None if there is no one call."""
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read(), path)
    except FileNotFoundError:
        return None
    except (OSError, SyntaxError, ValueError) as exc:
        raise _unreadable(path, exc) from exc
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _name(node.func) == "setup"]
    if len(calls) != 1:
        return {}, {"**"}
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    given: dict[str, Any] = {}
    hidden: set[str] = set()
    for keyword in calls[0].keywords:
        if keyword.arg is None:
            hidden.add("**")
            continue
        value = keyword.value
        value = constants.get(value.id, value) if isinstance(value, ast.Name) else value
        try:
            given[keyword.arg] = ast.literal_eval(value)
        except (ValueError, TypeError, SyntaxError):
            hidden.add(keyword.arg)
    return given, hidden


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _unreadable(path: str, exc: Exception) -> JobFileError:
    return JobFileError("the file can't be read", cause=str(exc), mend="mend the file", location=Location(path))
