"""One schema of Unity Catalog in a test's hands: what is in it, and what is to be put there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.called import plainly
from harness.catalog.names import quote, split
from harness.errors import ObjectNameError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from pyspark.sql import DataFrame

    from harness.catalog.maker import Maker
    from harness.catalog.objects import Function, Table, View, Volume

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True


class Uc:
    """A schema of a test's own. Names without a dot are in it; all arguments are named.

    uc.make_table(name="orders", rows=[{"id": 1, "price": 9.5}])
    assert uc.table("orders").count() == 1
    assert uc.name == f"{uc.catalog}.{uc.schema}"
    """

    def __init__(self, maker: Maker) -> None:
        self._maker = maker
        self._own = maker.own_schema

    @property
    def catalog(self) -> str:
        """The catalog's name: a plain word, fit for a widget."""
        return self._own.catalog_name

    @property
    def schema(self) -> str:
        """The schema's name: a plain word, fit for a widget."""
        return self._own.name

    @property
    def name(self) -> str:
        """The schema's full name for SQL."""
        return self._own.full_name

    def __repr__(self) -> str:
        return f"<uc {self.name}>"

    def full_name(self, name: str) -> str:
        """The full name, for SQL, of an object in this schema.

        spark.sql(f"DELETE FROM {uc.full_name('orders')} WHERE id = 1")
        """
        return quote(*self._maker.parts_of(name))

    def table(self, name: str) -> DataFrame:
        """A table or view of this schema as a DataFrame; a full name works too.

        assert uc.table("orders").where("price > 5").count() == 1
        """
        return self._maker.spark.table(self.full_name(name))

    @plainly("make_table")
    def make_table(
        self,
        *,
        name: str | None = None,
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
        """Make a table here, as the fixture ``make_table`` does.

        uc.make_table(name="customers", columns="id int, name string")
        uc.make_table(name="orders", rows=[{"id": 1, "price": "9.50"}], columns="id int, price decimal(6,2)")
        uc.make_table(name="usage", like="orders", generate=100, seed=7)
        """
        return self._maker.table(
            catalog_name=self.catalog,
            schema_name=self.schema,
            name=name,
            rows=rows,
            df=df,
            csv=csv,
            ctas=ctas,
            generate=generate,
            columns=columns,
            like=like,
            seed=seed,
            null_fraction=null_fraction,
            using=using,
            partitioned_by=partitioned_by,
            properties=properties,
            comment=comment,
        )

    @plainly("make_view")
    def make_view(self, *, query: str, name: str | None = None, comment: str = "") -> View:
        """Make a view here; the query names its tables in full.

        orders = uc.make_table(name="orders", rows=[{"id": 1}])
        uc.make_view(name="order_count", query=f"SELECT count(*) AS n FROM {orders}")
        """
        return self._maker.view(catalog_name=self.catalog, schema_name=self.schema, name=name, query=query, comment=comment)

    @plainly("make_volume")
    def make_volume(
        self, *, name: str | None = None, location: str | os.PathLike[str] | None = None, comment: str = ""
    ) -> Volume:
        r"""Make a volume here: a real folder.

        landing = uc.make_volume(name="landing")
        (landing.folder / "crm.csv").write_text("id\n1\n")
        assert spark.read.csv(landing.path, header=True).count() == 1
        """
        return self._maker.volume(
            catalog_name=self.catalog, schema_name=self.schema, name=name, location=location, comment=comment
        )

    @plainly("make_function")
    def make_function(
        self,
        *,
        body: str,
        parameters: str = "",
        returns: str = "",
        language: str = "sql",
        name: str | None = None,
        comment: str = "",
    ) -> Function:
        """Make a function here, in SQL or in Python.

        twice = uc.make_function(parameters="n int", returns="int", body="n * 2")
        assert spark.sql(f"SELECT {twice}(21)").first()[0] == 42
        """
        return self._maker.function(
            catalog_name=self.catalog,
            schema_name=self.schema,
            name=name,
            parameters=parameters,
            returns=returns,
            body=body,
            language=language,
            comment=comment,
        )

    def grants(self, name: str | None = None, *, kind: str = "table") -> dict[str, set[str]]:
        """Who may do what on an object of this schema, or on the schema itself: there, or through what it is in.

        spark.sql(f"GRANT SELECT ON TABLE {uc.full_name('orders')} TO `analysts`")
        assert uc.grants("orders") == {"analysts": {"SELECT"}}
        """
        return self._maker.grants(*self._securable(name, kind))

    def owner(self, name: str | None = None, *, kind: str = "table") -> str:
        """Who owns an object of this schema, or the schema itself.

        spark.sql(f"ALTER TABLE {uc.full_name('orders')} SET OWNER TO `data-team`")
        assert uc.owner("orders") == "data-team"
        """
        return self._maker.owner(*self._securable(name, kind))

    def _securable(self, name: str | None, kind: str) -> tuple[str, tuple[str, ...]]:
        if name is None:
            return "schema", (self.catalog, self.schema)
        kinds = ("table", "view", "volume", "function", "schema", "catalog")
        if kind not in kinds:
            raise ObjectNameError(
                f"nothing of the kind {kind!r} has grants or an owner here", mend=f"take one of {', '.join(kinds)}"
            )
        return kind, split(name) if kind in {"schema", "catalog"} else self._maker.parts_of(name)
