"""Where a rehearsal keeps what it has: one private folder, and a short one for its sockets."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of a rehearsal, and what lies where in it."""

    folder: Path

    @property
    def record(self) -> Path:
        """Which process it is, where it listens, and its secrets."""
        return self.folder / "record.json"

    @property
    def log(self) -> Path:
        """What the process says."""
        return self.folder / "log"

    @property
    def asked(self) -> Path:
        """What the process is to be: its workspace's id, how long it waits, whom it ends with."""
        return self.folder / "asked.json"

    @property
    def state(self) -> Path:
        """All that a workspace holds; a new rehearsal begins with an empty one."""
        return self.folder / "state"

    @property
    def ca(self) -> Path:
        """The certificate that clients are to trust."""
        return self.folder / "ca.pem"

    @property
    def notebooks(self) -> Path:
        """The workspace's own tree of folders, notebooks and files."""
        return self.state / "workspace"

    def files(self, space: str) -> Path:
        """The files of dbfs and of volumes, as `harness.runtime.files` lays them out.

        Each space has a folder of its own name: the Spark engine removes that of a rehearsal that has ended when it gets to it,
        and by then the next one may be up in the same place.
        """
        return self.state / "files" / space

    @property
    def runs(self) -> Path:
        """One folder for each run of a notebook."""
        return self.state / "runs"

    @property
    def store(self) -> Path:
        """The database of what Spark has no place for: grants, owners, tags, secrets, aliases."""
        return self.state / "store.sqlite"

    @property
    def mlflow(self) -> Path:
        """MLflow's own files."""
        return self.state / "mlflow"

    @property
    def sockets(self) -> Path:
        """The folder of the sockets: a socket's name may have a hundred letters or so, and a user's cache is often deeper."""
        user = str(os.getuid()) if os.name == "posix" else "user"
        told = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"nbh-{user}-{told}"

    @property
    def rest_socket(self) -> Path:
        """Where REST is served, behind the front."""
        return self.sockets / "rest"

    @property
    def grpc_socket(self) -> Path:
        """Where Spark Connect is served, behind the front."""
        return self.sockets / "grpc"

    def lay_out(self, space: str) -> None:
        """Make the folders of a new, empty workspace."""
        for folder in (self.state, self.notebooks, self.files(space), self.runs, self.mlflow):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
