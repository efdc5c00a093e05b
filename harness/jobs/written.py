"""YAML and JSON as plain data whose texts know where they stand, so that an error can name file and line.

Only plain data is ever made: a file can't have anything run, nor grow beyond what is read of it.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from harness.errors import SettingsError
from harness.jobs.errors import JobFileError
from harness.model import Location

if TYPE_CHECKING:
    from collections.abc import Iterable

LARGEST_BYTES = 4 * 1024 * 1024
_MOST_VALUES = 100_000
_DEEPEST = 60
_PLAIN = ("null", "bool", "int", "float", "str", "seq", "map")
_OTHERWISE = ("bool", "float", "int", "timestamp")
"""What YAML 1.1, and so the library, tells in another way than Databricks' own command line: libs/dyn/yamlloader/loader.go of
https://github.com/databricks/cli, and the library that it reads YAML with."""
_INT = r"[-+]?(?:0|[1-9][0-9_]*|0[0-7_]+|0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+)"
_FLOAT = r"[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"


class Written(str):
    """A text of a file: ``path`` is the file's, ``line`` counts from 1 and is None in JSON.

    ``beside`` is the file that a path counts from: the same, but for what a bundle's Python makes, where it is the bundle's.
    """

    path: str
    line: int | None
    beside: str

    __slots__ = ("beside", "line", "path")


def written(text: str, path: str, line: int | None, beside: str = "") -> Written:
    """Make one."""
    made = Written(text)
    made.path, made.line, made.beside = path, line, beside or path
    return made


def place_of(value: Any, *, otherwise: str, root: str) -> Location:
    """Where a text stands, shown from the root; the file alone where that isn't known."""
    path, line = (value.path, value.line) if isinstance(value, Written) else (otherwise, None)
    shown = os.path.relpath(path, root).replace(os.sep, "/")
    return Location(path if shown.startswith("..") else shown, line)


def read(path: str, *, root: str, may_be_empty: bool = False) -> dict[str, Any]:
    """Read a file that holds one mapping; an empty one where the file holds nothing but comments, and that is no fault.

    Raises:
        JobFileError: It can't be read, holds something else, or a key twice, with different values.
        SettingsError: The library that reads YAML isn't installed.
    """
    here = place_of(None, otherwise=path, root=root)
    try:
        with open(path, "rb") as file:
            raw = file.read(LARGEST_BYTES + 1)
        text = raw.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise _unreadable(here, str(exc)) from exc
    if len(raw) > LARGEST_BYTES:
        raise _unreadable(here, f"it has more than {LARGEST_BYTES:,} bytes")
    try:
        found = _of_json(text, path) if path.lower().endswith(".json") else _of_yaml(text, path, root)
        _check_size(found)
    except (ValueError, RecursionError) as exc:
        raise _unreadable(here, str(exc) if isinstance(exc, ValueError) else "it is nested too deep") from exc
    if found is None and may_be_empty:
        return {}
    if not isinstance(found, dict):
        holds = "nothing" if found is None else f"a {type(found).__name__}"
        raise _unreadable(here, f"it holds {holds}, and should hold names with their values")
    return found


def _unreadable(here: Location, cause: str) -> JobFileError:
    return JobFileError("the file can't be read", cause=cause.replace("\n", " "), mend="mend the file", location=here)


def _of_json(text: str, path: str) -> Any:
    def pairs(found: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in found:
            if key in made:
                raise ValueError(f'it has "{key}" twice in one place')
            made[key] = written(value, path, None) if isinstance(value, str) else value
        return made

    return json.loads(text, object_pairs_hook=pairs) if text.strip() else None


def _of_yaml(text: str, path: str, root: str) -> Any:
    try:
        import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own
    except ModuleNotFoundError as exc:
        raise SettingsError(
            f"{os.path.basename(path)} can't be read",
            cause="pyyaml isn't installed; it comes with the extras local and remote",
            mend='python -m pip install "databricks-notebook-harness[remote]"',
            location=place_of(None, otherwise=path, root=root),
        ) from exc

    class Loader(yaml.SafeLoader):  # type: ignore[misc]  # as above
        """Plain data only. Dates and times stay texts, and true and false alone are truths; 010 is ten, and 1e3 a number."""

        yaml_implicit_resolvers = {  # noqa: RUF012 -- as its class has them
            first: [one for one in held if one[0].rpartition(":")[2] not in _OTHERWISE]
            for first, held in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

        yaml_constructors = {  # noqa: RUF012 -- as its class has them
            tag: make for tag, make in yaml.SafeLoader.yaml_constructors.items() if tag is None or tag.split(":")[-1] in _PLAIN
        }

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 -- its own
            seen: dict[str, Any] = {}
            for key, value in getattr(node, "value", ()):
                if not isinstance(key.value, str) or key.tag == "tag:yaml.org,2002:merge":
                    continue
                before = seen.setdefault(key.value, value)
                # Databricks' own command line takes the last one without a word; of two that say the same none is lost.
                is_same = isinstance(value.value, str) and (value.tag, value.value) == (before.tag, before.value)
                if before is not value and not is_same:
                    raise ValueError(f'line {key.start_mark.line + 1} has "{key.value}" for the second time in one place')
            made: dict[Any, Any] = super().construct_mapping(node, deep=deep)
            return made

    import re

    Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
    for tag, pattern in (("int", _INT), ("float", _FLOAT)):
        Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), list("-+.0123456789"))
    Loader.add_constructor("tag:yaml.org,2002:int", lambda _loader, node: _int(node.value))
    Loader.add_constructor("tag:yaml.org,2002:str", lambda _loader, node: written(node.value, path, node.start_mark.line + 1))
    try:
        return yaml.load(text, Loader)  # noqa: S506 -- it is a SafeLoader
    except yaml.MarkedYAMLError as exc:
        said = ", ".join(filter(None, (exc.context, exc.problem)))
        raise ValueError(f"line {exc.problem_mark.line + 1}: {said}" if exc.problem_mark is not None else said) from exc
    except yaml.YAMLError as exc:
        raise ValueError(str(exc)) from exc
    except (AttributeError, KeyError, TypeError) as exc:  # of its makers, where a tag doesn't fit its value
        raise ValueError(f"a value isn't what its tag says: {exc}") from exc


def _int(text: str) -> int:
    digits = text.replace("_", "")
    return int(digits, 0 if any(letter in digits.lower() for letter in "xob") else 10)


def _check_size(value: Any) -> None:
    """Refuse what would grow when it is walked through: anchors in anchors, or one within itself.

    Raises:
        ValueError: It would.
    """
    left, count = [(value, 0)], 0
    while left:
        one, depth = left.pop()
        count += 1
        if count > _MOST_VALUES or depth > _DEEPEST:
            raise ValueError("it has too many values, or is nested too deep; perhaps by anchors within anchors")
        inner = list(one.values()) if isinstance(one, dict) else one if isinstance(one, list) else ()
        left.extend((held, depth + 1) for held in inner)
