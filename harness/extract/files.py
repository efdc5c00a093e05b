"""Which calls read a file of the machine, and only read it."""

from __future__ import annotations

import ast

from harness.extract.quiet import dotted_name

READING_METHODS = frozenset({"read", "readline", "readlines"})

# Whoever asks so goes on without the file where it isn't there.
ASK_FOR_FILE = frozenset({"exists", "lexists", "isfile", "is_file", "isdir", "is_dir"})

# What makes a value of an open file's text, and nothing else.
_PARSERS = frozenset({"json.load", "tomllib.load"})
_LOADERS = frozenset({"SafeLoader", "CSafeLoader", "FullLoader"})

_OPTIONS = frozenset({"mode", "encoding", "errors", "newline", "buffering"})
_MODES = frozenset({"r", "rt", "tr", "rb", "br"})


def opens_to_read(call: ast.Call) -> bool:
    """Say whether a call is one of ``open`` that names a file and can do no more than read it."""
    if not isinstance(call.func, ast.Name) or call.func.id != "open":
        return False
    if not call.args or len(call.args) > 2 or any(isinstance(argument, ast.Starred) for argument in call.args):  # noqa: PLR2004 - path and mode
        return False
    if any(keyword.arg not in _OPTIONS for keyword in call.keywords):
        return False
    modes = [*call.args[1:], *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    return all(isinstance(mode, ast.Constant) and mode.value in _MODES for mode in modes)


def makes_of_file(function: str, call: ast.Call) -> bool:
    """Say whether the function reads data from its first argument, an open file, and does nothing else."""
    if function == "yaml.load" and call.args:
        loaders = [*call.args[1:], *(keyword.value for keyword in call.keywords if keyword.arg == "Loader")]
        return len(loaders) == 1 and dotted_name(loaders[0]).rpartition(".")[2] in _LOADERS
    return function in _PARSERS and bool(call.args)
