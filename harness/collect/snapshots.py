"""syrupy, extended at its own seams: one file of text for each table, and for each notebook's outputs."""

from __future__ import annotations

from dataclasses import fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from harness.compare.snapshots import run_text, table_text
from harness.errors import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

# Tracebacks show the user's lines, not these.
__tracebackhide__ = True


class TableFile(SingleFileSnapshotExtension):
    """Keeps a table as ``__snapshots__/<test file>/<test>.table.txt``."""

    file_extension = "table.txt"
    _write_mode = WriteMode.TEXT


class RunFile(SingleFileSnapshotExtension):
    """Keeps a notebook's outputs as ``__snapshots__/<test file>/<test>.run.txt``."""

    file_extension = "run.txt"
    _write_mode = WriteMode.TEXT


class TextSnapshot(SnapshotAssertion):
    """Makes a text first and compares that: syrupy would take an error in between for an ordinary difference."""

    made_by: Callable[..., str]
    file: type[SingleFileSnapshotExtension]
    _options: Mapping[str, Any] = MappingProxyType({})

    @classmethod
    def beside(cls, plain: object) -> Self:
        """Make one for the test that syrupy's own fixture was made for.

        Raises:
            SnapshotError: That fixture is another plugin's.
        """
        if not isinstance(plain, SnapshotAssertion):
            raise SnapshotError(
                "the fixture snapshot is not syrupy's",
                cause=f"it gives a {type(plain).__module__}.{type(plain).__name__}",
                mend="give yours another name, or switch the other plugin off: -p no:…",
            )
        given: dict[str, Any] = {field.name: getattr(plain, field.name) for field in fields(plain) if field.init}
        return cls(**{**given, "extension_class": cls.file})

    def __call__(self, **options: Any) -> Self:
        """Take our options for the next comparison, and hand syrupy its own."""
        ours = self.made_by.__kwdefaults__ or {}
        self._options = {**self._options, **{name: options.pop(name) for name in [*options] if name in ours}}
        super().__call__(**options)
        return self

    def __eq__(self, other: object) -> bool:
        """Compare with what is kept."""
        __tracebackhide__ = True
        options, self._options = self._options, {}
        return super().__eq__(self.made_by(other, **options))

    __hash__ = None  # type: ignore[assignment]  # as syrupy's


class TableSnapshot(TextSnapshot):
    """Compares tables."""

    made_by = staticmethod(table_text)
    file = TableFile


class RunSnapshot(TextSnapshot):
    """Compares what notebooks put out."""

    made_by = staticmethod(run_text)
    file = RunFile
