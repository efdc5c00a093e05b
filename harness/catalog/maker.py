"""Makes Unity Catalog objects through a Spark session, and removes what it made."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from harness.called import plainly
from harness.catalog import names, statements
from harness.catalog.ledger import removals
from harness.catalog.names import quote
from harness.catalog.objects import Catalog, Function, Schema, Table, View, Volume
from harness.catalog.presence import is_missing
from harness.catalog.privileges import missing_privilege
from harness.catalog.rows import Columns, fit_types, read_columns, read_rows, settle_types
from harness.errors import CatalogsMissingError, ParentNotFoundError, RemovalError, TableSourceError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pyspark.sql import DataFrame, SparkSession

    from harness.catalog.ledger import Entry, Ledger

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True

_NO_PARENT = ("NO_SUCH_CATALOG", "CATALOG_NOT_FOUND", "SCHEMA_NOT_FOUND", "NO_SUCH_NAMESPACE", "REQUIRES_SINGLE_PART_NAMESPACE")
_SOURCES = ("rows", "df", "csv", "ctas", "generate")


class Maker:
    """Makes objects for one test, or for one run; ``base`` is what its own schema is named after.

    On a workspace (``is_workspace``) catalogs are there; on this machine they are there where Spark has Delta. ``namer`` makes
    a fresh name of such a base, and ``folder_of`` gives the folder of a volume where that is no folder of this machine.
    """

    def __init__(
        self,
        spark: SparkSession,
        ledger: Ledger,
        *,
        default_catalog: str,
        base: str,
        is_workspace: bool = False,
        namer: Callable[[str], str] = names.fresh,
        folder_of: Callable[[tuple[str, str, str]], Any] | None = None,
    ) -> None:
        self.spark = spark
        self._ledger = ledger
        self._default = default_catalog
        self._base = base
        self._is_workspace = is_workspace
        self._fresh = namer
        self._folder_of = folder_of
        self._made: list[Entry] = []
        self._own: Schema | None = None
        if not is_workspace and not spark.conf.get("spark.nbh.space", ""):
            raise CatalogsMissingError(
                "there are no catalogs in this run",
                cause="its Spark runs without Delta, or is a session of your own code's in this process, or of a notebook's",
                mend="let the harness start Spark; if it did, Delta's jars are missing:\n"
                "nbh spark install fetches them, or says why not",
            )

    @property
    def own_schema(self) -> Schema:
        """The schema of this test, or of this run; made when it is first asked for."""
        if self._own is None:
            self._own = self.schema(name=self._fresh(self._base))
        return self._own

    @plainly("make_catalog")
    def catalog(self, *, name: str | None = None, comment: str = "", managed_location: str = "") -> Catalog:
        """Make a catalog, with a schema ``default`` in it as on Databricks; some metastores want a location for its tables."""
        parts = (self._name("catalog", name),)
        self._make("catalog", parts, statements.create_catalog(parts[0], comment=comment, location=managed_location))
        return Catalog(*parts)

    @plainly("make_schema")
    def schema(self, *, catalog_name: str | None = None, name: str | None = None, comment: str = "") -> Schema:
        """Make a schema, in the default catalog if none is named."""
        catalog = self._default if catalog_name is None else names.checked(catalog_name, kind="catalog")
        parts = (catalog, self._name("schema", name))
        self._make("schema", parts, statements.create_schema(parts, comment=comment))
        return Schema(*parts)

    @plainly("make_table")
    def table(
        self,
        *,
        name: str | None = None,
        catalog_name: str | None = None,
        schema_name: str | None = None,
        rows: Iterable[Any] | None = None,
        df: DataFrame | None = None,
        csv: str | os.PathLike[str] | None = None,
        ctas: str | None = None,
        generate: int | None = None,
        columns: Any = None,
        like: str | Table | View | None = None,
        seed: int = 0,
        null_fraction: float = 0.1,
        using: str = "delta",
        partitioned_by: Iterable[str] = (),
        properties: Mapping[str, str] | None = None,
        comment: str = "",
    ) -> Table:
        """Make a table of one source, or an empty one of ``columns`` or ``like`` another.

        Raises:
            TableSourceError: No source, several, or a file that isn't there.
            TableDataError: The rows don't fit.
        """
        given = dict(zip(_SOURCES, (rows, df, csv, ctas, generate), strict=True))
        read = None if columns is None else read_columns(columns)
        _check_sources(given, columns=read, like=like)
        csv = None if csv is None else self._readable(csv)
        parts = self._parts("table", catalog_name, schema_name, name)
        # What is wrong with rows that give the columns too is told before anything is made.
        ready = read_rows(rows, names=read.names if read else ()) if rows is not None and not _is_typed(read, like) else None
        frame = self._frame(settle_types(ready)) if ready is not None else df
        if frame is None and csv is not None and not _is_typed(read, like):
            frame = self._read_csv(csv, read)
        about: dict[str, Any] = {"using": using, "partitioned_by": partitioned_by, "properties": properties, "comment": comment}
        if ctas is not None:
            self._make("table", parts, statements.create_table(parts, columns="", query=ctas, **about))
        elif like is not None:
            self._make("table", parts, statements.create_table_like(parts, self._existing(like, parts)))
        elif read is not None and read.ddl:
            self._make("table", parts, statements.create_table(parts, columns=read.ddl, **about))
        elif frame is not None:
            made, whole = frame, about
            self._make("table", parts, lambda: _save(made, parts, **whole))
            return Table(*parts)
        if ctas is None and (rows is not None or generate is not None or csv is not None or df is not None):
            self._fill(parts, rows=rows, df=df, csv=csv, generate=generate, seed=seed, null_fraction=null_fraction)
        return Table(*parts)

    @plainly("make_view")
    def view(
        self,
        *,
        query: str,
        name: str | None = None,
        catalog_name: str | None = None,
        schema_name: str | None = None,
        comment: str = "",
    ) -> View:
        """Make a view of a query."""
        parts = self._parts("view", catalog_name, schema_name, name)
        self._make("view", parts, statements.create_view(parts, query, comment=comment))
        return View(*parts)

    @plainly("make_volume")
    def volume(
        self,
        *,
        name: str | None = None,
        catalog_name: str | None = None,
        schema_name: str | None = None,
        location: str | os.PathLike[str] | None = None,
        comment: str = "",
    ) -> Volume:
        """Make a volume, which is a real folder; with ``location`` an external one, whose files are never deleted."""
        parts = self._parts("volume", catalog_name, schema_name, name)
        where = "" if location is None else str(Path(location).absolute())
        self._make("volume", parts, statements.create_volume(parts, location=where, comment=comment))
        if self._folder_of is not None:
            return Volume(*parts, folder=self._folder_of(parts))
        stored = self.spark.sql(f"DESCRIBE VOLUME {quote(*parts)}").collect()[0]["storageLocation"]
        return Volume(*parts, folder=Path(unquote(urlsplit(stored).path)))

    @plainly("make_function")
    def function(
        self,
        *,
        body: str,
        parameters: str = "",
        returns: str = "",
        language: str = "sql",
        name: str | None = None,
        catalog_name: str | None = None,
        schema_name: str | None = None,
        comment: str = "",
    ) -> Function:
        """Make a function, written in SQL (an expression) or in Python (the lines of its body)."""
        parts = self._parts("function", catalog_name, schema_name, name)
        said = statements.create_function(
            parts, parameters=parameters, returns=returns, body=body, language=language, comment=comment
        )
        self._make("function", parts, said)
        return Function(*parts)

    def grants(self, kind: str, parts: tuple[str, ...]) -> dict[str, set[str]]:
        """Who may do what on an object, there or through its schema and catalog."""
        found: dict[str, set[str]] = {}
        for row in self.spark.sql(f"SHOW GRANTS ON {kind.upper()} {quote(*parts)}").collect():
            found.setdefault(row["Principal"], set()).add(row["ActionType"])
        return found

    def owner(self, kind: str, parts: tuple[str, ...]) -> str:
        """Who owns an object."""
        if kind == "volume":
            return str(self.spark.sql(f"DESCRIBE VOLUME {quote(*parts)}").collect()[0]["owner"])
        what = {"table": "TABLE EXTENDED ", "view": "TABLE EXTENDED ", "function": "FUNCTION EXTENDED "}.get(
            kind, kind.upper() + " "
        )
        extended = "EXTENDED " if kind == "schema" else ""
        rows = self.spark.sql(f"DESCRIBE {what}{extended}{quote(*parts)}").collect()
        found = [tuple(row) for row in rows]
        for row in found:
            told = row[0].partition(":") if len(row) == 1 else (row[0], ":", row[1])
            if told[0].strip() == "Owner":
                return str(told[2]).strip()
        return ""

    def remove_all(self) -> None:
        """Remove what was made, last made first; one that can't be removed doesn't keep the others.

        Raises:
            RemovalError: What couldn't be removed, and why.
        """
        made, self._made, self._own = self._made, [], None
        failed = []
        for entry, contents in removals(made):
            try:
                self._drop(entry)
            except Exception as exc:  # noqa: BLE001 -- the rest is to be removed whatever this is; it is told below
                failed.append(f"{entry.kind} {quote(*entry.parts)}: {_first_line(exc)}")
                continue
            for gone in (*contents, entry):
                self._ledger.strike(gone)
        if failed:
            raise RemovalError(
                f"{len(failed)} of what this test made couldn't be removed",
                cause="\n".join(failed),
                mend="remove it by hand, or let the end of the run try again, and after it `nbh sweep`"
                if self._is_workspace
                else "nothing need be done: it goes with the test process's session",
            )

    def _drop(self, entry: Entry) -> None:
        try:
            self.spark.sql(statements.drop(entry))
        except Exception as exc:
            if not self._is_workspace and entry.parts[0] not in self._catalogs():
                return  # Spark then takes the catalog's name for a schema's, and says anything of it
            # A notebook may have put a view in a table's place, or a table in a view's.
            other = {"table": "view", "view": "table"}.get(entry.kind)
            if other is None or _condition(exc) != "WRONG_COMMAND_FOR_OBJECT_TYPE":
                raise
            self.spark.sql(statements.drop(replace(entry, kind=other)))

    def forget_all(self) -> None:
        """Strike what was made, for the session has ended and taken it along."""
        made, self._made, self._own = self._made, [], None
        for entry in made:
            self._ledger.strike(entry)

    def keep_all(self) -> list[tuple[str, str, str]]:
        """Let what was made stay; gives each that isn't in another one: its kind, its name, and until when it stays.

        What Spark says isn't there is struck out: it couldn't be made, or the test has removed it.
        """
        made, self._made = self._made, []
        kept = []
        for entry, contents in reversed(removals(made)):
            if is_missing(entry, lambda said: self.spark.sql(said).collect(), _condition):
                self._ledger.strike(entry)
            else:
                kept.append((entry.kind, ".".join(entry.parts), self._ledger.keep(entry)))
            for inside in contents:
                self._ledger.strike(inside)
        return kept

    def parts_of(self, name: str) -> tuple[str, str, str]:
        """A name of one to three parts, with what it leaves out taken from this test's own schema."""
        *outer, last = names.split(name)
        own = self.own_schema if len(outer) < 2 else None  # noqa: PLR2004 -- catalog and schema
        catalog, schema = [*([own.catalog_name, own.name][: 2 - len(outer)] if own else []), *outer]
        return catalog, schema, last

    def _name(self, kind: str, name: str | None) -> str:
        return self._fresh(self._base) if name is None else names.checked(name, kind=kind)

    def _parts(self, kind: str, catalog: str | None, schema: str | None, name: str | None) -> tuple[str, str, str]:
        checked = names.fresh(kind) if name is None else names.checked(name, kind=kind)
        if schema is None:
            if catalog is not None:
                return names.checked(catalog, kind="catalog"), "default", checked
            return self.own_schema.catalog_name, self.own_schema.name, checked
        inside = self._default if catalog is None else names.checked(catalog, kind="catalog")
        return inside, names.checked(schema, kind="schema"), checked

    def _existing(self, like: str | Table | View, parts: tuple[str, str, str]) -> tuple[str, ...]:
        if not isinstance(like, str):
            return like.catalog_name, like.schema_name, like.name
        found = names.split(like)
        return (*parts[: 3 - len(found)], *found)

    def _make(self, kind: str, parts: tuple[str, ...], what: str | Callable[[], Any]) -> None:
        entry = self._ledger.note(kind, parts)
        self._made.append(entry)
        try:
            self.spark.sql(what) if isinstance(what, str) else what()
        except Exception as exc:
            condition = _condition(exc)
            if "ALREADY_EXISTS" in condition:
                # It is somebody else's: to remove it with ours would be the worst answer.
                self._made.remove(entry)
                self._ledger.strike(entry)
            refused = missing_privilege(f"{condition} {exc}", kind, parts)
            if refused is not None:
                self._made.remove(entry)  # it wasn't made, and who may not make it may not look for it either
                self._ledger.strike(entry)
                raise refused from exc
            missing = self._missing(condition, kind, parts)
            if missing is not None:
                raise missing from exc
            raise

    def _catalogs(self) -> list[str]:
        return [row[0] for row in self.spark.sql("SHOW CATALOGS").collect()]

    def _missing(self, condition: str, kind: str, parts: tuple[str, ...]) -> ParentNotFoundError | None:
        """The error of a catalog or schema that isn't there, with the near miss; None if they are."""
        if not any(word in condition for word in _NO_PARENT):
            return None
        with contextlib.suppress(Exception):  # the first error is the one to tell
            catalogs = self._catalogs()
            if parts[0] not in catalogs:
                known = [name for name in catalogs if name != "spark_catalog"]
                makes = f"make_catalog(name={parts[0]!r}) makes it"
                if self._is_workspace and parts[0] == self._default:
                    makes = f"correct `catalog` of the run's environment, or have {parts[0]!r} made for its tests"
                return ParentNotFoundError(
                    f"there is no catalog {parts[0]!r} to make the {kind} in",
                    cause=f"the {kind} was to be {quote(*parts)}",
                    mend=f"{makes}; {names.near_miss(parts[0], known)}",
                )
            schemas = [row[0] for row in self.spark.sql(f"SHOW SCHEMAS IN {quote(parts[0])}").collect()]
            if len(parts) > 2 and parts[1] not in schemas:  # noqa: PLR2004 -- catalog, schema, name
                return ParentNotFoundError(
                    f"there is no schema {parts[1]!r} in the catalog {parts[0]!r}",
                    cause=f"the {kind} was to be {quote(*parts)}",
                    mend=f"make_schema(catalog_name={parts[0]!r}, name={parts[1]!r}) makes it; "
                    + names.near_miss(parts[1], schemas),
                )
        return None

    def _fill(
        self,
        parts: tuple[str, str, str],
        *,
        rows: Iterable[Any] | None,
        df: DataFrame | None,
        csv: str | os.PathLike[str] | None,
        generate: int | None,
        seed: int,
        null_fraction: float,
    ) -> None:
        """Put data into a table that has its columns."""
        from pyspark.sql.types import StructType

        frame = df
        if frame is None:
            schema = self.spark.table(quote(*parts)).schema
            if csv is not None:
                frame = self._read_csv(csv, None, schema=schema)
            else:
                if rows is not None:
                    found = read_rows(rows, names=schema.fieldNames(), optional=True)
                    kinds = {field.name: field.dataType.typeName() for field in schema}
                    values, used = fit_types(found, kinds).values, found.names
                else:
                    from harness.catalog.sample import sample_rows

                    values = sample_rows(schema.jsonValue(), generate or 0, seed=seed, null_fraction=null_fraction)
                    used = tuple(schema.fieldNames())
                if not values:
                    return
                frame = self.spark.createDataFrame(values, StructType([schema[name] for name in used]))
        frame.writeTo(quote(*parts)).append()

    def _frame(self, rows: Any) -> DataFrame:
        return self.spark.createDataFrame(rows.values, list(rows.names))

    def _read_csv(self, path: str | os.PathLike[str], columns: Columns | None, *, schema: Any = None) -> DataFrame:
        # Not silently a null: a value that doesn't fit is an error, and so is a header that names other columns.
        reader = self.spark.read.option("header", "true").option("mode", "FAILFAST")
        if schema is not None:
            return reader.option("enforceSchema", "false").schema(schema).csv(str(path))
        frame = reader.option("inferSchema", "true").csv(str(path))
        return frame.toDF(*columns.names) if columns is not None and columns.names else frame

    def _readable(self, path: str | os.PathLike[str]) -> str:
        """Where Spark reads a file: a workspace can't see this machine's, so there it is a copy, in the test's own schema."""
        text = str(path)
        if self._folder_of is not None and text.startswith(("/Volumes/", "/dbfs/")):
            return text
        found = [Path(name) for name in sorted(glob(text))]  # noqa: PTH207 -- it may be absolute
        files = [file for one in found for file in (sorted(one.iterdir()) if one.is_dir() else [one]) if _is_read(file)]
        if not files and not (Path(text).exists() or Path(text).is_absolute() or urlsplit(text).scheme):
            raise TableSourceError(
                f"there is no file {text}",
                cause=f"csv= was looked for from {Path.cwd()}",
                mend="correct the path, or begin at the test: Path(__file__).parent / …",
            )
        if self._folder_of is None or not files:
            return text
        own = self.own_schema
        landing = self.volume(catalog_name=own.catalog_name, schema_name=own.name)
        for number, file in enumerate(files):  # two may have one name, each in a folder of its own
            (landing.folder / f"{number}-{file.name}").write_bytes(file.read_bytes())
        return landing.path


def _is_typed(columns: Columns | None, like: object) -> bool:
    return like is not None or bool(columns and columns.ddl)


def _save(frame: DataFrame, parts: tuple[str, ...], **about: Any) -> None:
    writer = frame.writeTo(quote(*parts)).using(about["using"])
    said = {**(about["properties"] or {}), **({"comment": about["comment"]} if about["comment"] else {})}
    for key, value in said.items():
        writer = writer.tableProperty(key, value)
    by = list(about["partitioned_by"])
    if by:
        from pyspark.sql.functions import col

        writer = writer.partitionedBy(*(col(quote(name)) for name in by))
    writer.create()


def _check_sources(given: Mapping[str, Any], *, columns: Columns | None, like: object) -> None:
    used = [f"{name}=" for name, value in given.items() if value is not None]
    if len(used) > 1:
        raise TableSourceError(
            "a table was to be made of two things",
            cause=f"given were {' and '.join(used)}",
            mend="give one of them",
        )
    if columns is not None and like is not None:
        raise TableSourceError(
            "a table has its columns from one place", cause="given were columns= and like=", mend="give one of them"
        )
    if given["ctas"] is not None and (columns is not None or like is not None):
        raise TableSourceError(
            "a table of a query has the query's columns",
            cause="given were ctas= and " + ("columns=" if like is None else "like="),
            mend='cast in the query: ctas="SELECT CAST(id AS int) AS id …"',
        )
    if not used and like is None and not (columns and columns.ddl):
        raise TableSourceError(
            "a table needs something to be made of",
            cause="no rows and no columns were given"
            if columns is None
            else "the columns have no types, and there are no rows",
            mend='give rows=[{"id": 1}], df=, csv=, ctas= or like=, or columns="id int" for an empty table',
        )
    if given["generate"] is not None and like is None and not (columns and columns.ddl):
        raise TableSourceError(
            "rows can't be generated without columns",
            cause="given was only generate=",
            mend='say the columns too: columns="id int, name string", or like="another_table"',
        )


def _condition(exc: BaseException) -> str:
    """The name of Spark's condition, as ``TABLE_OR_VIEW_ALREADY_EXISTS``."""
    for ask in ("getCondition", "getErrorClass"):
        found = getattr(exc, ask, None)
        if found is not None:
            return str(found() or "")
    return ""


def _first_line(exc: BaseException) -> str:
    return next(iter(str(exc).strip().splitlines()), "") or type(exc).__name__


@contextlib.contextmanager
def removing(maker: Maker, *, is_gone: Callable[[], bool]) -> Iterator[Maker]:
    """Have all that a maker makes removed at the end, whatever happens; only forgotten if its session is gone by then."""
    try:
        yield maker
    finally:
        maker.forget_all() if is_gone() else maker.remove_all()


def _is_read(file: Path) -> bool:
    """Whether Spark reads it: of a folder's files it passes over those that are hidden."""
    return file.is_file() and not file.name.startswith(("_", "."))
