"""The errors of the harness: what a user sees when something is wrong, and the codes that name each kind.

    HarnessError
    ├── NotebookError          NBH1xx   a notebook can't be read, or a unit of it can't be used
    │   ├── NotebookReadError
    │   ├── NotANotebookError
    │   ├── CellSyntaxError
    │   ├── ArchiveError
    │   ├── RunTargetError
    │   ├── RunCycleError
    │   ├── PlaceholderError
    │   ├── UnresolvedNameError   (also a NameError)
    │   ├── CellNotFoundError
    │   ├── OutsideTestError
    │   ├── NoTestsError
    │   ├── UnitChangedError
    │   ├── CellLanguageError
    │   ├── CellWriteError
    │   ├── CellRunError
    │   ├── UnknownValueError
    │   ├── NutterCaseError
    │   └── NotebookImportedError
    ├── SettingsError          NBH2xx   pyproject.toml, a variable or an option is wrong
    │   ├── OnePlaceError      NBH386   tests could write into a protected environment under another's name
    │   └── UnknownEnvironmentError   NBH387
    ├── EngineError            NBH3xx   Spark or Java can't be had
    │   ├── JavaNotFoundError
    │   ├── JavaTooOldError
    │   ├── JavaBrokenError
    │   ├── PysparkMissingError
    │   ├── PysparkClashError
    │   ├── SparkStartError
    │   ├── WorkerImportError     (also an ImportError)
    │   ├── JarsMissingError
    │   ├── EngineLostError
    │   ├── EngineModeError
    │   ├── EngineStopError
    │   ├── ForkedSessionError
    │   └── EngineInstallError
    ├── CatalogError           NBH32x   an object of Unity Catalog can't be made, found or removed
    │   ├── CatalogsMissingError
    │   ├── ObjectNameError       (also a ValueError)
    │   ├── TableSourceError
    │   ├── ParentNotFoundError
    │   ├── TableDataError        (also a ValueError)
    │   ├── RemovalError
    │   ├── KeptSpaceError
    │   ├── SampleDataError
    │   └── MissingPrivilegeError (also a PermissionError)
    ├── DbutilsError           NBH349, NBH35x   a call on dbutils can't be answered truly
    │   ├── DbutilsCallError
    │   │   ├── StorageMissingError
    │   │   ├── ForeignFileError
    │   │   └── LostAnswerError
    │   ├── DbutilsFileError
    │   ├── WidgetNotDefinedError
    │   ├── WidgetValueError
    │   ├── SecretNotFoundError   (also a LookupError)
    │   ├── ChildRunError
    │   ├── TaskValueError        (also a ValueError)
    │   └── DbutilsArgumentError  (also a TypeError)
    ├── WholeRunError          NBH36x   a notebook can't be run whole, or what became of it isn't looked at
    │   ├── UnreadRunError
    │   ├── RunEngineError
    │   ├── KernelsMissingError
    │   └── ExitValueCutError
    ├── CompareError           NBH37x   tables can't be compared, or kept to be compared with
    │   ├── EmptyTablesError
    │   ├── TooManyRowsError
    │   ├── CompareUseError
    │   └── SnapshotError
    ├── InsideError            NBH38x   tests that a notebook's cell ran aren't green
    │   ├── RedTestsError
    │   └── NothingTestedError
    ├── EnvironmentUseError    NBH385   a test can't do that in the run's environment
    ├── JobError               NBH41x   a job of the project can't be run as a copy; see ``harness.jobs.errors``
    ├── RemoteError            NBH33x, NBH34x, NBH39x, NBH42x, NBH43x   a workspace can't be used; see ``harness.remote.errors``
    └── RehearsalError         NBH40x   the workspace on this machine can't be had; see ``harness.rehearsal.errors``

Each error prints four parts: where and what, the cause, the mend, and where to read more. Codes are stable and never reused;
``CODES`` lists them with one sentence each and ``docs/errors.md`` explains them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from harness.model import Location, PytestRun

CODES: dict[str, str] = {}


class HarnessError(Exception):
    """An error of the harness itself, with its place, cause and mend as data.

    ``what`` is one lower-case clause, ``cause`` the fact that was seen, ``mend`` a thing to do.
    """

    code: ClassVar[str] = "NBH000"
    about: ClassVar[str] = "an error of the harness"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "code" in cls.__dict__:
            CODES[cls.code] = cls.about

    def __init__(self, what: str, *, cause: str = "", mend: str = "", location: Location | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.cause = cause
        self.mend = mend
        self.location = location

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword-only arguments don't survive pickling by themselves, and xdist pickles.
        return _rebuild, (type(self), self.what, self.cause, self.mend, self.location)

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location is not None else ""
        lines = [f"{where}{self.code} {self.what}"]
        if self.cause:
            lines.append(_part("cause", self.cause))
        if self.mend:
            lines.append(_part("mend", self.mend))
        lines.append(_part("more", f"docs/errors.md#{self.code.lower()}"))
        return "\n".join(lines)


def _part(label: str, text: str) -> str:
    first, *rest = text.splitlines() or [""]
    return "\n".join([f"  {label + ':':<7}{first}", *(f"         {line}" for line in rest)])


def _rebuild(kind: type[HarnessError], what: str, cause: str, mend: str, location: Location | None) -> HarnessError:
    return kind(what, cause=cause, mend=mend, location=location)


class NotebookError(HarnessError):
    """A notebook can't be read, or a unit of it can't be used."""


class NotebookReadError(NotebookError):
    """The file can't be read at all: missing, no permission, binary, too large, not text."""

    code = "NBH100"
    about = "the notebook file can't be read"


class NotANotebookError(NotebookError):
    """The file was read but is no Databricks notebook."""

    code = "NBH101"
    about = "the file is not a Databricks notebook"


class CellSyntaxError(NotebookError):
    """One cell is not valid Python; the notebook's other cells are still used."""

    code = "NBH102"
    about = "a cell is not valid Python"


class ArchiveError(NotebookError):
    """A .dbc archive is broken, or holds what an archive should not."""

    code = "NBH103"
    about = "a .dbc archive can't be trusted or read"


class RunTargetError(NotebookError):
    """The notebook that a ``%run`` names isn't there, or can't give Python names."""

    code = "NBH104"
    about = "a %run target can't be found or used"


class RunCycleError(NotebookError):
    """Notebooks ``%run`` each other in a circle."""

    code = "NBH105"
    about = "notebooks %run each other in a circle"


class PlaceholderError(NotebookError):
    """A name was used whose value comes from a statement that extraction holds back."""

    code = "NBH106"
    about = "a value that only the notebook's own run computes was used"


class UnresolvedNameError(NotebookError, NameError):
    """A name was used that nothing in the notebook or its ``%run`` targets defines."""

    code = "NBH107"
    about = "a name is defined nowhere in the notebook"


class CellNotFoundError(NotebookError, LookupError):
    """No cell, or more than one, has the title or number that was asked for."""

    code = "NBH108"
    about = "a cell can't be found by that title or number"


class OutsideTestError(NotebookError):
    """A value that needs a test's fixtures was used while no test runs."""

    code = "NBH109"
    about = "a value that a test's fixtures give was used outside a test"


class NoTestsError(NotebookError):
    """A notebook that matches ``python_files`` holds no test."""

    code = "NBH110"
    about = "a test notebook holds no tests"


class UnitChangedError(NotebookError):
    """The notebook's file changed on disk while its units were in use."""

    code = "NBH111"
    about = "the notebook changed on disk during the run"


class CellLanguageError(NotebookError):
    """What a cell is written in can't be told: no rule of Databricks fits its magics."""

    code = "NBH112"
    about = "what a cell is written in can't be told"


class CellWriteError(NotebookError):
    """A cell's new text can't be written back into the file."""

    code = "NBH113"
    about = "a cell can't be written back"


class CellRunError(NotebookError):
    """A cell can't be run by itself: it isn't Python."""

    code = "NBH114"
    about = "a cell can't be run by itself"


class UnknownValueError(NotebookError):
    """A value was given by hand for a name that the notebook, or the cell, never uses."""

    code = "NBH115"
    about = "a value was given for a name that nothing uses"


class NutterCaseError(NotebookError):
    """A Nutter fixture, or a method of it, can't be run as it stands; Nutter itself would pass over some of these."""

    code = "NBH116"
    about = "a Nutter fixture holds what can't be run as a case"


class NotebookImportedError(NotebookError):
    """A notebook is imported as a module, which Databricks refuses."""

    code = "NBH117"
    about = "a notebook is imported as a module"


class SettingsError(HarnessError):
    """pyproject.toml, a variable or an option holds something wrong."""

    code = "NBH200"
    about = "a setting is wrong"


class OnePlaceError(SettingsError):
    """Two environments are one catalog of one workspace, and only one of them is protected."""

    code = "NBH386"
    about = "two environments are one place"


class UnknownEnvironmentError(SettingsError):
    """There is no environment of that name."""

    code = "NBH387"
    about = "an environment is none of the project's"


class EngineError(HarnessError):
    """Spark or Java can't be had."""

    code = "NBH300"
    about = "Spark can't be started"


class JavaNotFoundError(EngineError):
    """No Java 17 or newer is to be had: not by JAVA_HOME, not on PATH, not as a wheel."""

    code = "NBH301"
    about = "no usable Java is found"


class JavaTooOldError(EngineError):
    """The Java that JAVA_HOME names is older than Spark needs."""

    code = "NBH302"
    about = "the Java is too old for Spark"


class JavaBrokenError(EngineError):
    """JAVA_HOME points at nothing, or its java doesn't answer."""

    code = "NBH303"
    about = "the Java that JAVA_HOME names doesn't work"


class PysparkMissingError(EngineError):
    """pyspark, or a part of it that local Spark needs, isn't installed."""

    code = "NBH304"
    about = "pyspark is not installed"


class PysparkClashError(EngineError):
    """Another package or variable makes pyspark a client of a remote Spark."""

    code = "NBH305"
    about = "pyspark can't start a local Spark as it is installed or set up"


class SparkStartError(EngineError):
    """Java was found, but Spark didn't start in it."""

    code = "NBH306"
    about = "Spark didn't start"


class WorkerImportError(EngineError, ImportError):
    """Code that Spark runs in a Python worker tried to import a notebook, which would run its top level."""

    code = "NBH307"
    about = "a Spark worker tried to import a notebook"


class JarsMissingError(EngineError):
    """Jars that Spark needs beside its own (Delta's) can't be fetched; Spark works without them, Delta doesn't."""

    code = "NBH308"
    about = "Delta's jars can't be had"


class EngineLostError(EngineError):
    """The warm engine ended, or stopped answering, while a test was using it."""

    code = "NBH309"
    about = "the Spark engine was lost during a test"


class EngineModeError(EngineError):
    """A classic session was asked for where a Connect session already lives in the process, or the other way round."""

    code = "NBH310"
    about = "one process can't hold both kinds of Spark session"


class EngineStopError(EngineError):
    """The warm engine was told to end and didn't, or isn't ours to end."""

    code = "NBH311"
    about = "the Spark engine can't be stopped"


class ForkedSessionError(EngineError):
    """A process that was forked from a test process used the session that it found there."""

    code = "NBH315"
    about = "a forked process used the Spark session"


class EngineInstallError(EngineError):
    """The engine's own environment, which it has beside databricks-connect, can't be made."""

    code = "NBH318"
    about = "the engine's own environment can't be made"


class CatalogError(HarnessError):
    """An object of Unity Catalog can't be made, found or removed."""


class CatalogsMissingError(CatalogError):
    """The Spark of this run has no catalogs: it runs without Delta, or is a session of the user's own."""

    code = "NBH320"
    about = "Unity Catalog's names can't be had"


class ObjectNameError(CatalogError, ValueError):
    """A name that Unity Catalog refuses: empty, too long, with dots, blanks or slashes."""

    code = "NBH321"
    about = "a catalog, schema or object can't have that name"


class TableSourceError(CatalogError):
    """A table was to be made of nothing, of a file that isn't there, or of two things at once."""

    code = "NBH322"
    about = "a table needs exactly one source"


class ParentNotFoundError(CatalogError, LookupError):
    """The catalog or schema that an object was to be made in isn't there, nor the table it was to be like."""

    code = "NBH323"
    about = "a catalog, a schema or a table isn't there"


class TableDataError(CatalogError, ValueError):
    """The rows given for a table don't fit its columns, or their types can't be told."""

    code = "NBH324"
    about = "the rows don't fit the table"


class RemovalError(CatalogError):
    """Something that a test made couldn't be removed."""

    code = "NBH325"
    about = "what a test made couldn't be removed"


class KeptSpaceError(CatalogError, LookupError):
    """What was kept of a test isn't there (any more)."""

    code = "NBH326"
    about = "nothing is kept under that name"


class SampleDataError(CatalogError):
    """Rows can't be generated: the library is missing, or a type has no sample."""

    code = "NBH327"
    about = "sample data can't be generated"


class MissingPrivilegeError(CatalogError, PermissionError):
    """Whoever runs the tests may not make an object."""

    code = "NBH328"
    about = "the identity of the run lacks a privilege"


class DbutilsError(HarnessError):
    """A call on dbutils can't be answered truly."""


class DbutilsCallError(DbutilsError):
    """This dbutils doesn't have what was asked of it; Databricks' own may.

    ``heard`` is told of each as it is made: a notebook may catch it and go on, and what it then gives is no result.
    """

    code = "NBH350"
    about = "a dbutils call is not served here"
    heard: ClassVar[Callable[[Exception], None] | None] = None

    def __init__(self, what: str, *, cause: str = "", mend: str = "", location: Location | None = None) -> None:
        super().__init__(what, cause=cause, mend=mend, location=location)
        if DbutilsCallError.heard is not None:
            DbutilsCallError.heard(self)


class WidgetNotDefinedError(DbutilsError):
    """A widget was read or removed that neither the notebook nor the test defined."""

    code = "NBH351"
    about = "a widget is not defined"


class WidgetValueError(DbutilsError, ValueError):
    """A widget was given a value that Databricks refuses."""

    code = "NBH352"
    about = "a widget can't have that value"


class SecretNotFoundError(DbutilsError, LookupError):
    """A secret, or a scope, was asked for that neither the test nor the settings give, nor the run's workspace."""

    code = "NBH355"
    about = "a secret is not there"


class ChildRunError(DbutilsError):
    """A notebook that another one ran by ``dbutils.notebook.run`` failed, took too long, or isn't there."""

    code = "NBH356"
    about = "a notebook that another one ran didn't end well"


class TaskValueError(DbutilsError, ValueError):
    """A task value isn't there, or is none that Databricks takes."""

    code = "NBH357"
    about = "a task value is not there, or can't be set"


class DbutilsArgumentError(DbutilsError, TypeError):
    """A call on dbutils was given what Databricks' own refuses."""

    code = "NBH358"
    about = "a dbutils call was given a value of the wrong kind"


class LostAnswerError(DbutilsCallError):
    """A notebook that another one ran was lost, or the process that answers a run: nobody's error in the notebook."""

    code = "NBH359"
    about = "what a notebook asked for was lost"


class DbutilsFileError(DbutilsError):
    """A call on ``dbutils.fs`` fails as on Databricks: nothing is there, or it is another thing than the call is for."""

    code = "NBH353"
    about = "a call on dbutils.fs fails as on Databricks"


class StorageMissingError(DbutilsCallError):
    """A path is cloud storage, which no test of this machine reaches."""

    code = "NBH354"
    about = "cloud storage can't be reached from here"


class ForeignFileError(DbutilsCallError):
    """A call on ``dbutils.fs`` would change a file of this machine that isn't the test's own."""

    code = "NBH349"
    about = "a file isn't the test's own"


class WholeRunError(HarnessError):
    """A notebook can't be run whole, or what became of it isn't looked at."""


class UnreadRunError(WholeRunError):
    """A run was red, and the test that asked for it passed without looking at that."""

    code = "NBH360"
    about = "a red run that no test looks at"


class RunEngineError(WholeRunError):
    """The test's Spark is one that a notebook in a process of its own can't reach."""

    code = "NBH361"
    about = "a notebook can't be run whole beside this Spark"


class KernelsMissingError(WholeRunError):
    """Jupyter's packages, which run notebooks whole, aren't installed."""

    code = "NBH362"
    about = "what runs notebooks whole isn't installed"


class ExitValueCutError(WholeRunError):
    """Only the beginning of an exit value is known, for a workspace gives no more; the text of an outcome, never raised."""

    code = "NBH391"
    about = "an exit value is longer than a workspace tells"


class CompareError(HarnessError):
    """Tables can't be compared, or kept to be compared with."""


class EmptyTablesError(CompareError):
    """Neither of two tables has a row: that they are equal says nothing."""

    code = "NBH370"
    about = "two tables without rows were compared"


class TooManyRowsError(CompareError):
    """A table has more rows than are brought into the test's process without being told to."""

    code = "NBH371"
    about = "a table has more rows than are compared"


class CompareUseError(CompareError):
    """A key, a column to leave out, or what is expected doesn't fit the table."""

    code = "NBH372"
    about = "tables can't be compared that way"


class SnapshotError(CompareError):
    """What was given can't be kept as a snapshot, or the library that keeps them isn't installed."""

    code = "NBH373"
    about = "a snapshot can't be taken"


class InsideError(HarnessError):
    """Tests that a notebook's cell ran aren't green; ``run`` has the numbers."""

    run: PytestRun | None = None

    def of(self, run: PytestRun) -> Self:
        """Take the run that it is about."""
        self.run = run
        return self


class RedTestsError(InsideError):
    """A test failed, or pytest didn't come to its end."""

    code = "NBH380"
    about = "tests that a notebook ran are red"


class NothingTestedError(InsideError):
    """There was no test, or all were skipped or left out."""

    code = "NBH381"
    about = "a notebook ran no test"


class EnvironmentUseError(HarnessError):
    """A test asks for what the run's environment can't do, or what it is protected from."""

    code = "NBH385"
    about = "a test can't do that in this environment"
