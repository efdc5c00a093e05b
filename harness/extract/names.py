"""Which names a piece of compiled code reads from its module: at once, and when the functions in it are called."""

from __future__ import annotations

import dis
from functools import lru_cache
from types import CodeType

_READS = frozenset({"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"})
_AT_ONCE = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})


@lru_cache(maxsize=4096)
def names_read(code: CodeType) -> tuple[frozenset[str], frozenset[str]]:
    """Give the names read when the code runs, and those read later by the functions it defines."""
    at_once: set[str] = set()
    later: set[str] = set()
    stored: set[str] = set()
    instructions = list(dis.get_instructions(code))
    caught = _caught(instructions)
    module_level = code.co_name == "<module>" or not code.co_flags & 0x01  # CO_OPTIMIZED: a function body
    for instruction in instructions:
        if instruction.opname in _READS and isinstance(instruction.argval, str):
            if not (module_level and instruction.argval in stored):
                at_once.add(instruction.argval)
        elif instruction.opname == "STORE_NAME" and (code.co_name != "<module>" or instruction.argval in caught):
            stored.add(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner_now, inner_later = names_read(constant)
            is_class_body = not constant.co_flags & 0x01
            (at_once if constant.co_name in _AT_ONCE or is_class_body else later).update(inner_now - caught)
            later |= inner_later - caught
    return frozenset(at_once - {"__name__", "__module__", "__qualname__", "__annotations__"}), frozenset(later - {"__class__"})


def _caught(code: list[dis.Instruction]) -> frozenset[str]:
    """Give the names of ``except … as name``: Python sets them to None and deletes them where the handler ends."""
    return frozenset(
        end.argval
        for none, store, end in zip(code, code[1:], code[2:], strict=False)
        if end.opname == "DELETE_NAME" and store.opname == "STORE_NAME" and none.argval is None and store.argval == end.argval
    )


@lru_cache(maxsize=4096)
def all_names(code: CodeType) -> frozenset[str]:
    """Give all names the code reads from its module, at once or later."""
    at_once, later = names_read(code)
    return at_once | later
