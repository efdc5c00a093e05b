"""What an answer of a workspace is like, without anything of whose it is; and how another answer differs from that. No I/O.

A shape is "string", "integer", "number", "boolean", "any" or null (nothing is known), ``{"string": ["RUNNING"]}`` where the
text is one of the API's own constants, ``{"array": shape}``, or ``{"object": {"key": shape, "sometimes?": shape}}``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from harness.remote.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.remote.vocabulary import Vocabulary

WORKSPACE = "workspace"
REHEARSAL = "rehearsal"

_TELLING = frozenset(
    (
        *("error_code", "state", "life_cycle_state", "result_state", "object_type", "language", "data_security_mode"),
        *("catalog_type", "securable_type", "run_type", "table_type", "volume_type", "privilege", "privileges"),
    )
)
"""Only of these fields a value is kept, and only if it is a constant of the API."""

_OTHERS = "*"
"""In a shape's object: it had keys that the API doesn't name, such as those of tags; what they are is nobody's business."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What one call was answered: by whom (a real workspace or a rehearsal), on which day, with which SDK."""

    step: str
    call: str
    status: int
    shape: Any
    of: str
    on: str
    sdk: str

    def as_dict(self) -> dict[str, Any]:
        """It as JSON takes it."""
        return asdict(self)


def read_contract(data: object, *, name: str) -> Contract:
    """The contract that a file holds; ``name`` is the file's, for errors.

    Raises:
        ContractError: It holds none.
    """
    kinds = {"step": str, "call": str, "status": int, "of": str, "on": str, "sdk": str}
    if not isinstance(data, dict) or set(data) != {*kinds, "shape"}:
        raise _unreadable(name, f"its keys are not {', '.join(sorted({*kinds, 'shape'}))}")
    wrong = [key for key, kind in kinds.items() if not isinstance(data[key], kind)]
    if wrong or data["of"] not in {WORKSPACE, REHEARSAL}:
        raise _unreadable(name, f"what it says of {', '.join(wrong) or 'of'} can't be")
    return Contract(**data)


def _unreadable(name: str, cause: str) -> ContractError:
    return ContractError(f"{name} holds no contract", cause=cause, mend="remove it, and record it again: nbh record")


def shape_of(value: object, words: Vocabulary, *, key: str = "") -> Any:
    """The shape of an answer; ``key`` is the field that the value stands in."""
    match value:
        case None:
            return None
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return {"string": [value]} if key in _TELLING and value in words.constants else "string"
        case list():
            shapes = [shape_of(one, words, key=key) for one in value]
            return {"array": reduce(merged, shapes) if shapes else None}
        case dict():
            found = {name: shape_of(one, words, key=name) for name, one in value.items() if name in words.fields}
            kept = {name: shape for name, shape in sorted(found.items()) if shape is not None}
            return {"object": {**kept, **({_OTHERS: "any"} if set(value) - set(found) else {})}}
        case _:
            return "any"


def merged(one: Any, other: Any) -> Any:
    """One shape for two answers, or two entries of a list: what only one of them has is there sometimes."""
    if one is None or other is None or one == other:
        return other if one is None else one
    kinds = _kind(one), _kind(other)
    if set(kinds) == {"integer", "number"}:
        return "number"
    if kinds[0] != kinds[1]:
        return "any"
    match kinds[0]:
        case "string":
            values = sorted({*_values(one), *_values(other)})
            return {"string": values} if values else "string"
        case "array":
            return {"array": merged(one["array"], other["array"])}
        case "object":
            return {"object": dict(sorted(_both(one["object"], other["object"])))}
    return "any"


def _both(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    left, right = _named(one), _named(other)
    for name in {*left, *right}:
        if name in left and name in right:
            always = left[name][1] and right[name][1]
            shape = merged(left[name][0], right[name][0])
        else:
            always, shape = False, (left.get(name) or right[name])[0]
        yield name if always or name == _OTHERS else f"{name}?", shape


def differences(wanted: Contract, *, status: int, shape: Any, reads: frozenset[str]) -> list[str]:
    """How an answer differs from what a contract says, in words; empty if it fits.

    ``reads`` are the fields that the harness reads, such as "runs[].run_id": only those may not be missing. What the answer has
    beyond the contract is no difference: the contract may be of a workspace that had none of it.
    """
    told = [] if wanted.status == status else [f"status: {wanted.status} is recorded, {status} is answered"]
    return [*told, *_differences(wanted.shape, shape, "", reads)]


def _differences(wanted: Any, found: Any, at: str, reads: frozenset[str]) -> Iterator[str]:
    kinds = _kind(wanted), _kind(found)
    if "any" in kinds or "" in kinds:
        return
    if kinds[0] != kinds[1] and kinds != ("number", "integer"):
        yield f"{at or 'the answer'}: {kinds[0]} is recorded, {kinds[1]} is answered"
    elif kinds[0] == "array":
        if found["array"] is None and wanted["array"] is not None and any(name.startswith(f"{at}[]") for name in reads):
            yield f"{at}[]: entries are recorded, and none is answered that could be compared"
        yield from _differences(wanted["array"], found["array"], f"{at}[]", reads)
    elif kinds[0] == "object":
        there = _named(found["object"])
        for name, (shape, always) in _named(wanted["object"]).items():
            below = f"{at}.{name}" if at else name
            is_needed = always and below in reads
            if name not in there:
                if is_needed:
                    yield f"{below}: {_kind(shape)} is recorded, nothing is answered"
                continue
            if is_needed and not there[name][1]:
                yield f"{below}: {_kind(shape)} is always recorded, sometimes nothing is answered"
            yield from _differences(shape, there[name][0], below, reads)
    elif at == "error_code" and _values(wanted) != _values(found):
        yield f"error_code: {_shown(wanted)} is recorded, {_shown(found)} is answered"


def _named(fields: Mapping[str, Any]) -> dict[str, tuple[Any, bool]]:
    """By name without the mark: the shape, and whether it is always there."""
    return {name.removesuffix("?"): (shape, not name.endswith("?")) for name, shape in fields.items()}


def _kind(shape: Any) -> str:
    if isinstance(shape, dict):
        return next(iter(shape), "any")
    return shape if isinstance(shape, str) else ""


def _values(shape: Any) -> list[str]:
    return list(shape["string"]) if isinstance(shape, dict) else []


def _shown(shape: Any) -> str:
    return " or ".join(_values(shape)) or "a code that isn't known"
