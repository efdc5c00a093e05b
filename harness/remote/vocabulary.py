"""The words of Databricks' public API, as its SDK has them: what may be written down of an answer, since it is nobody's own."""

from __future__ import annotations

import importlib
import inspect
import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

_SERVICES = ("catalog", "compute", "files", "iam", "jobs", "workspace")
"""The modules of the SDK whose classes read the answers that are recorded."""

_FIELD = re.compile(r'(?:\.get\(|\(d, )"([A-Za-z_@][A-Za-z0-9_@]*)"')
"""How a field of an answer stands in the code of those classes."""

_ERRORS = ("error_code", "message", "details", "@type", "reason", "domain", "metadata")
_ERROR_CODES = (
    "CATALOG_DOES_NOT_EXIST",
    "FEATURE_DISABLED",
    "FORBIDDEN",
    "INVALID_STATE",
    "SCHEMA_ALREADY_EXISTS",
    "SCHEMA_DOES_NOT_EXIST",
    "TABLE_DOES_NOT_EXIST",
)
"""Codes that the SDK has no class for."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Names of fields, and constants such as states and error codes."""

    fields: frozenset[str]
    constants: frozenset[str]


@lru_cache
def vocabulary() -> Vocabulary:
    """Read it from the installed databricks-sdk."""
    from databricks.sdk.errors.platform import ERROR_CODE_MAPPING

    fields, constants = set(_ERRORS), {*_ERROR_CODES, *ERROR_CODE_MAPPING}
    for name in _SERVICES:
        module = importlib.import_module(f"databricks.sdk.service.{name}")
        fields.update(_FIELD.findall(inspect.getsource(module)))
        for member in vars(module).values():
            if inspect.isclass(member) and issubclass(member, Enum):
                constants.update(str(one.value) for one in member)
    return Vocabulary(frozenset(fields), frozenset(constants))
