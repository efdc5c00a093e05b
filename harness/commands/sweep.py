"""``nbh sweep``: remove from a workspace what killed runs left there."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any

from harness.commands.workspace import signed_in
from harness.remote import sweep
from harness.remote.preflight import foreign_catalogs
from harness.remote.removal import is_absent

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.remote.protocol import Workspace
    from harness.remote.sweep import Leftovers


def run(
    folder: str,
    *,
    name: str,
    is_dry: bool,
    as_json: bool,
    out: IO[str],
    tell: Callable[[str], None],
    with_kept: bool = False,
    ask: Callable[[int], bool] | None = None,
) -> bool:
    """Find and remove what is left; false if something wasn't removed or couldn't be looked through.

    ``with_kept`` removes what `pytest --nbh-keep` kept, too, before its time has passed. ``ask`` is told how much would be
    removed, once that was shown, and gives whether it may be.

    Raises:
        HarnessError: The environment is wrong, or its workspace can't be reached.
    """
    with signed_in(folder, name, tell) as (environment, workspace):
        root = environment.workspace_root or f"/Workspace/Users/{workspace.me().name}/.nbh"
        over_age, errors = sweep.over_age(
            workspace,
            workspace_root=root,
            catalogs=[environment.catalog] if environment.catalog else [],
            spared=foreign_catalogs(environment),
        )
        left = sweep.of_ledgers(host=workspace.host, with_kept=with_kept)
        named = {(entry.kind, entry.name) for one in left for entry in one.entries}
        rest = tuple(entry for entry in over_age.entries if (entry.kind, entry.name) not in named)
        left += [replace(over_age, entries=rest)] if rest else []
        if ask is not None and not is_dry:
            found = [one for each in left for one in _named(each, workspace)]
            if found:
                _show({"dry_run": True, "removed": found, "failed": []}, as_json=as_json, out=out)
                if not ask(len(found)):
                    out.write(f"nothing was removed{os.linesep}")
                    return False
        gone: list[dict[str, str]] = []
        failed = [{"what": "looking for leftovers", "why": str(error.what)} for error in errors]
        for one in left:
            if is_dry:
                gone += _named(one, workspace)
                continue
            done = sweep.take_away(one, workspace, progress=tell)
            gone += [{"kind": entry.kind, "name": entry.name} for entry in done.taken]
            failed += [{"what": f"{entry.kind} {entry.name}", "why": error.what} for entry, error in done.left]
    _show({"dry_run": is_dry, "removed": gone, "failed": failed}, as_json=as_json, out=out)
    return not failed


def _named(left: Leftovers, workspace: Workspace) -> list[dict[str, str]]:
    """What is to be removed; a ledger names also what was about to be made, and wasn't."""
    there = [entry for entry in reversed(left.entries) if left.folder is None or not is_absent(entry, workspace)]
    return [{"kind": entry.kind, "name": entry.name} for entry in there]


def _show(facts: dict[str, Any], *, as_json: bool, out: IO[str]) -> None:
    if as_json:
        json.dump(facts, out, ensure_ascii=False)
        out.write("\n")
        return
    verb = "would remove" if facts["dry_run"] else "removed"
    for one in facts["removed"]:
        out.write(f"{verb} {one['kind']} {one['name']}\n")
    for one in facts["failed"]:
        out.write(f"failed: {one['what']}: {one['why']}\n")
    if not facts["removed"] and not facts["failed"]:
        out.write(f"nothing of a killed run is left{os.linesep}")
