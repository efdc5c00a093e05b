"""What was made, as data: its names, and where a volume's files are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.catalog.names import quote


@dataclass(frozen=True, slots=True)
class Catalog:
    """A catalog; as a text it is its name, quoted where SQL needs it."""

    name: str

    @property
    def full_name(self) -> str:
        """The name for SQL."""
        return quote(self.name)

    def __str__(self) -> str:
        return self.full_name


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema; as a text it is its full name."""

    catalog_name: str
    name: str

    @property
    def full_name(self) -> str:
        """The name for SQL, with its catalog."""
        return quote(self.catalog_name, self.name)

    def __str__(self) -> str:
        return self.full_name


@dataclass(frozen=True, slots=True)
class _InSchema:
    catalog_name: str
    schema_name: str
    name: str

    @property
    def full_name(self) -> str:
        """The name for SQL, with catalog and schema."""
        return quote(self.catalog_name, self.schema_name, self.name)

    def __str__(self) -> str:
        return self.full_name


@dataclass(frozen=True, slots=True)
class Table(_InSchema):
    """A table; as a text it is its full name, so that it fits into an f-string of SQL."""


@dataclass(frozen=True, slots=True)
class View(_InSchema):
    """A view; as a text it is its full name."""


@dataclass(frozen=True, slots=True)
class Function(_InSchema):
    """A function; as a text it is its full name."""


@dataclass(frozen=True, slots=True)
class Volume(_InSchema):
    """A volume: ``path`` is what notebooks read, ``folder`` the same place for a test to put files into.

    On this machine it is a ``Path``; on a workspace a `harness.remote.volume.VolumeFolder`, with the same calls.
    """

    folder: Any

    @property
    def path(self) -> str:
        """The path as a workspace has it."""
        return f"/Volumes/{self.catalog_name}/{self.schema_name}/{self.name}"
