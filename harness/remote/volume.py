"""A volume's folder on a workspace, in a test's hands: the calls of ``pathlib`` that tests make, over the Files API."""

from __future__ import annotations

import io
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import ForeignFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True


@dataclass(frozen=True, slots=True)
class VolumeFolder:
    """A file or folder of a volume; ``files`` gives databricks-sdk's own ``files``. It is no path of this machine.

    Errors are the SDK's own: a file that isn't there is a ``NotFound``.
    """

    path: str
    files: Callable[[], Any]

    def __truediv__(self, name: str) -> VolumeFolder:
        """What lies below."""
        return VolumeFolder(posixpath.join(self.path, str(name)), self.files)

    def __str__(self) -> str:
        return self.path

    def __fspath__(self) -> str:
        raise ForeignFileError(
            f"{self.path} is on the workspace, and no path of this machine",
            cause="open, shutil, pandas and the like see this machine's files alone",
            mend="use its own calls, which work everywhere: (volume.folder / name).write_bytes(Path(…).read_bytes())",
        )

    @property
    def name(self) -> str:
        """The last part of the path."""
        return posixpath.basename(self.path)

    @property
    def parent(self) -> VolumeFolder:
        """The folder that it lies in."""
        return VolumeFolder(posixpath.dirname(self.path), self.files)

    def write_bytes(self, data: bytes) -> int:
        """Write a file, over what is there; folders above it are made."""
        self.files().upload(self.path, io.BytesIO(data), overwrite=True)
        return len(data)

    def write_text(self, data: str, encoding: str = "utf-8") -> int:
        """Write a text file, over what is there."""
        self.write_bytes(data.encode(encoding))
        return len(data)

    def read_bytes(self) -> bytes:
        """Read a file."""
        with self.files().download(self.path).contents as source:
            return bytes(source.read())

    def read_text(self, encoding: str = "utf-8") -> str:
        """Read a text file."""
        return self.read_bytes().decode(encoding)

    def exists(self) -> bool:
        """Whether a file or folder is there."""
        from databricks.sdk.errors import NotFound

        for look in (self.files().get_metadata, self.files().get_directory_metadata):
            try:
                look(self.path)
            except NotFound:
                continue
            return True
        return False

    def mkdir(self, *, parents: bool = False, exist_ok: bool = False) -> None:  # noqa: ARG002 -- as pathlib; here both are always so
        """Make a folder."""
        self.files().create_directory(self.path)

    def iterdir(self) -> Iterator[VolumeFolder]:
        """What is in the folder."""
        for entry in self.files().list_directory_contents(self.path):
            yield VolumeFolder(str(entry.path).rstrip("/"), self.files)

    def unlink(self) -> None:
        """Remove a file."""
        self.files().delete(self.path)
