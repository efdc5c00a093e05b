"""Tests that a job runs: what goes there, and what comes back by the notebook's exit value; plain data on both ways.

The job's notebook unpacks two zips into a folder of its own (the project's files, and the packages that tests need), runs
`harness.collect.in_job`, and exits with a text that `harness.remote.judged` reads.
"""

# Paths are texts, as the closure has them.
# ruff: noqa: PTH118, PTH123

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.remote.errors import OnClusterResultError
from harness.remote.folders import mounted
from harness.remote.parts import Closure, Part, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from harness.remote.travel import Package

FOLDER = "nbh-on-cluster"
"""The folder below the run's that holds what a job needs."""
MOST_BYTES = 4 * 1024 * 1024
"""So long may an exit value be: a workspace gives 5 MB, and half of a text is none."""
PIECE_BYTES = 8 * 1024 * 1024
"""A workspace takes files of up to 10 MB, so a zip goes in pieces."""

_MARK = "nbh-tests-1:"
_TIME = (2000, 1, 1, 0, 0, 0)

_NOTEBOOK = """# Databricks notebook source
# Written by databricks-notebook-harness for one run of tests; it goes with the run's folder.
import io, json, os, sys, tempfile, zipfile

order = json.loads({order!r})
if sys.version_info < (3, 11):
    raise RuntimeError(f"tests need Python 3.11 or newer on the cluster, and this is {{sys.version.split()[0]}}")
here = next(one for one in (os.getcwd(), order["folder"]) if os.path.isfile(os.path.join(one, order["zips"]["tests"][0])))
place = tempfile.mkdtemp(prefix="nbh-on-cluster-")
for name, pieces in order["zips"].items():
    content = b"".join(open(os.path.join(here, one), "rb").read() for one in pieces)
    zipfile.ZipFile(io.BytesIO(content)).extractall(os.path.join(place, name))
sys.path.insert(0, os.path.join(place, "packages", "first"))
sys.path.append(os.path.join(place, "packages", "last"))

# COMMAND ----------

from harness.collect.in_job import run_sent

told = run_sent(order, os.path.join(place, "tests"), spark, dbutils)

# COMMAND ----------

dbutils.notebook.exit(told)
"""


@dataclass(frozen=True, slots=True)
class Order:
    """What a job is to do.

    ``token`` is its own and comes back with the results. ``tests`` are the ids in their order, ``files`` those that hold them,
    by their paths below the project. ``arguments`` are pytest's own, ``measure`` what coverage is to measure (None: nothing).
    """

    token: str
    environment: str
    host: str
    catalog: str
    tests: tuple[str, ...]
    files: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    measure: Mapping[str, Any] | None = None


def stage(folder: Path, order: Order, *, root: str, parts: Iterable[Part], packages: Sequence[Package], there: str) -> Closure:
    """Write what a job needs into a folder of this machine; gives it as a closure whose notebook is the job's.

    ``there`` is the folder on the workspace that it goes to.
    """
    project = [(part.path, os.path.join(root, part.path)) for part in parts]
    along = [
        (f"{'first' if package.is_first else 'last'}/{path}", place)
        for package in packages
        for path, place in sorted(package.files.items())
    ]
    made: list[Part] = []
    zips = {}
    for name, files in (("tests", project), ("packages", along)):
        content = _zipped(files)
        pieces = [content[at : at + PIECE_BYTES] for at in range(0, len(content), PIECE_BYTES)]
        digest = hashlib.sha256(content).hexdigest()[:16]
        zips[name] = [f"{name}-{digest}-{number}.zip" for number in range(len(pieces))]
        for file, piece in zip(zips[name], pieces, strict=True):
            (folder / file).write_bytes(piece)
            made.append(Part(file, "file", "RAW", digest_of(piece), len(piece)))
    text = _NOTEBOOK.format(order=json.dumps({**_plain(order), "zips": zips, "folder": mounted(there)}))
    path = f"tests-{order.token[:8]}.py"
    (folder / path).write_bytes(text.encode())
    made.append(Part(path, "notebook", "SOURCE", digest_of(text.encode()), len(text.encode()), "PYTHON"))
    return Closure(path, tuple(sorted(made, key=lambda part: part.path)))


def _plain(order: Order) -> dict[str, Any]:
    return {name: getattr(order, name) for name in Order.__slots__}


def _zipped(files: Iterable[tuple[str, str]]) -> bytes:
    """A zip whose bytes depend on names and contents alone, so that the same isn't sent twice."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, place in files:
            with open(place, "rb") as source:
                archive.writestr(zipfile.ZipInfo(name, _TIME), source.read(), zipfile.ZIP_DEFLATED)
    return made.getvalue()


def packed(facts: Mapping[str, Any], *, pieces: int = 0, most_bytes: int = MOST_BYTES) -> str:
    """The text that the job's notebook exits with: the whole, or as much as a workspace gives, with what had to be left out.

    ``pieces`` is how many files beside the notebook hold all reports; then none has to be left out.

    Raises:
        OnClusterResultError: Not even outcomes and errors alone are short enough.
    """
    for left_out, smaller in _smaller(facts, pieces):
        text = _MARK + base64.b85encode(gzip.compress(json.dumps({**smaller, "left_out": left_out}).encode(), mtime=0)).decode()
        if len(text) <= most_bytes:
            return text
    raise OnClusterResultError(
        "the results of the tests are longer than a workspace gives",
        cause=f"it gives up to {most_bytes:,} bytes of an exit value, and outcomes and errors alone are longer",
        mend="run fewer tests at once, by -k or by files",
    )


def _smaller(facts: Mapping[str, Any], pieces: int) -> Iterable[tuple[str, Mapping[str, Any]]]:
    yield "", facts
    if pieces:
        yield "", {**facts, "reports": [], "pieces": pieces}
        yield "coverage", {**facts, "reports": [], "pieces": pieces, "coverage": ""}
    reports = facts["reports"]
    yield (
        "output of tests that passed",
        {**facts, "reports": [{**one, "sections": []} if one.get("outcome") == "passed" else one for one in reports]},
    )
    bare = {**facts, "reports": [{**one, "sections": []} for one in reports], "warnings": []}
    yield "output of all tests, and warnings", bare
    yield "output of all tests, warnings, and coverage", {**bare, "coverage": ""}


def unpacked(text: str) -> dict[str, Any]:
    """What such a text holds.

    Raises:
        ValueError, KeyError, OSError, EOFError: It is none, or not whole.
    """
    if not text.startswith(_MARK):
        raise ValueError(f"it begins with {text[:40]!r}")
    facts = json.loads(gzip.decompress(base64.b85decode(text[len(_MARK) :])))
    if not isinstance(facts, dict) or not isinstance(facts["reports"], list) or not isinstance(facts["token"], str):
        raise ValueError("it holds no reports")  # noqa: TRY004 -- one kind of error, of a text that isn't ours
    return facts
