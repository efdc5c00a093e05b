"""What is mounted in the dbfs of a test: each mount is a folder of the test's own that stands for cloud storage."""

from __future__ import annotations

import hashlib
import json
import os
from typing import NamedTuple


class MountInfo(NamedTuple):
    """One mount, as ``dbutils.fs.mounts`` tells of it."""

    mountPoint: str  # noqa: N815 -- Databricks' own name
    source: str
    encryptionType: str  # noqa: N815 -- Databricks' own name


ROOTS = (MountInfo("/Volumes", "UnityCatalogVolumes", ""), MountInfo("/", "DatabricksRoot", ""))
"""What every workspace has."""


class Mounts:
    """The mounts below a folder; the runs of a test, each in a process of its own, see the same."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._file = os.path.join(folder, "mounts.json")

    def all(self) -> list[MountInfo]:
        """All mounts, by mount point, the roots last."""
        try:
            with open(self._file, encoding="utf-8") as file:
                mounts = [MountInfo(*one) for one in json.load(file)]
        except FileNotFoundError:
            mounts = []
        return [*sorted(mounts), *ROOTS]

    def find(self, point: str) -> MountInfo | None:
        """The mount at a point."""
        return next((mount for mount in self.all() if mount.mountPoint == point and mount not in ROOTS), None)

    def add(self, mount: MountInfo) -> None:
        """Mount; the folder that is there already, or what was written to this source before, is what is in it."""
        real, away = self._real(mount.mountPoint), self._away(mount.source)
        if os.path.isdir(away) and not (os.path.isdir(real) and os.listdir(real)):
            if os.path.isdir(real):
                os.rmdir(real)
            os.makedirs(os.path.dirname(real), exist_ok=True)
            os.rename(away, real)
        os.makedirs(real, exist_ok=True)
        self._write([*self._own(), mount])

    def remove(self, point: str) -> bool:
        """Unmount, and put what is in the folder aside; False if nothing is mounted there."""
        mount = self.find(point)
        if mount is None:
            return False
        real, away = self._real(point), self._away(mount.source)
        if os.path.isdir(real):
            if os.path.isdir(away):
                away = f"{away}.{len(os.listdir(os.path.dirname(away)))}"  # of a source that is mounted twice
            os.makedirs(os.path.dirname(away), exist_ok=True)
            os.rename(real, away)
        self._write([one for one in self._own() if one.mountPoint != point])
        return True

    def _own(self) -> list[MountInfo]:
        return [mount for mount in self.all() if mount not in ROOTS]

    def _write(self, mounts: list[MountInfo]) -> None:
        with open(self._file + ".new", "w", encoding="utf-8") as file:
            json.dump([list(mount) for mount in mounts], file)
        os.replace(self._file + ".new", self._file)

    def _real(self, point: str) -> str:
        return os.path.join(self._folder, "dbfs", point.lstrip("/"))

    def _away(self, source: str) -> str:
        # A source may be long, and have a key in it.
        return os.path.join(self._folder, "unmounted", hashlib.sha256(source.rstrip("/").encode()).hexdigest()[:32])
