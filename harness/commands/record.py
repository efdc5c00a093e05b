"""``nbh record``: what a real workspace's answers are like, as files that the rehearsal is held to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, TYPE_CHECKING

from harness.commands.workspace import signed_in
from harness.remote.contracts import WORKSPACE, Contract, read_contract
from harness.remote.errors import ContractError, RecordError
from harness.remote.record import Recording, record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def run(
    folder: str, *, name: str, output: str, is_reading: bool, as_json: bool, out: IO[str], tell: Callable[[str], None]
) -> bool:
    """Record, and write one file a call; false if a call couldn't be recorded.

    Raises:
        RecordError: It would make something in a protected environment, put a rehearsal's answers in place of a workspace's, or
            write down what signs in or who did.
        HarnessError: The environment is wrong, or its workspace can't be reached.
    """
    target = Path(folder, output)
    with signed_in(folder, name, tell) as (environment, workspace):
        found = record(workspace, environment, is_reading=is_reading, progress=tell)
        texts = {f"{one.step}.json": json.dumps(one.as_dict(), indent=1, sort_keys=True) + "\n" for one in found.contracts}
        _refuse_telling(texts, secrets=(workspace.host, workspace.me().name), mask=workspace.mask)
    _refuse_replacing(target, found.contracts)
    target.mkdir(parents=True, exist_ok=True)
    for file, text in texts.items():
        (target / file).write_text(text, encoding="utf-8")
    _show(found, target, as_json=as_json, out=out)
    return not found.lost


def read_all(folder: Path) -> list[Contract]:
    """The contracts in a folder, by name of file; none if there is no such folder.

    Raises:
        ContractError: A file there holds none.
    """
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as exc:
            raise ContractError(f"{path.name} can't be read", cause=str(exc), mend="remove it, and record it again") from exc
        found.append(read_contract(data, name=path.name))
    return found


def _refuse_telling(texts: Mapping[str, str], *, secrets: tuple[str, ...], mask: Callable[[object], str]) -> None:
    """A second look, by other means than the first: shapes hold nothing of this by the way that they are made."""
    for file, text in texts.items():
        if mask(text) != text or any(secret and secret in text for secret in secrets):
            raise RecordError(
                f"what would be written to {file} names the workspace, its user or a token",
                cause="that is a fault of the harness; nothing was written",
                mend="report it, without the answer",
            )


def _refuse_replacing(target: Path, contracts: tuple[Contract, ...]) -> None:
    real = {one.step for one in read_all(target) if one.of == WORKSPACE}
    replaced = sorted(one.step for one in contracts if one.of != WORKSPACE and one.step in real)
    if replaced:
        raise RecordError(
            "a rehearsal's answers would take the place of a workspace's",
            cause=f"{target} holds what was recorded on a workspace: {', '.join(replaced)}",
            mend="name another folder: --output",
        )


def _show(found: Recording, target: Path, *, as_json: bool, out: IO[str]) -> None:
    recorded = [one.step for one in found.contracts]
    if as_json:
        json.dump({"folder": str(target), "recorded": recorded, "not_recorded": dict(found.lost)}, out, ensure_ascii=False)
        out.write("\n")
        return
    whose = {one.of for one in found.contracts}
    told = f" of a {whose.pop()}" if len(whose) == 1 else ""
    out.write(f"{len(recorded)} answers{told} are in {target}\n")
    out.writelines(f"not recorded: {step}: {why}\n" for step, why in found.lost.items())
