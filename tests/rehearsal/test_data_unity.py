"""Unity Catalog's REST, asked by Databricks' SDK, and the Spark that it tells of."""

from __future__ import annotations

import pytest
from data_fixtures import ask, client, rehearsal, sql
from databricks.sdk.errors import BadRequest, DatabricksError, NotFound
from databricks.sdk.service import catalog as uc

__all__ = ["ask", "client", "rehearsal", "sql"]


@pytest.fixture(scope="module")
def schema(client):
    """A schema with a few things in it."""
    client.catalogs.create("pps", comment="a catalog")
    return client.schemas.create("sales", "pps", comment="a schema", properties={"team": "data"}).full_name


def test_a_catalog_made_by_rest_is_sparks(client, schema, sql):
    """What REST makes, Spark has; and the other way round."""
    assert ("pps",) in sql("SHOW CATALOGS")

    sql("CREATE CATALOG made_by_sql", "CREATE SCHEMA made_by_sql.inner_one COMMENT 'by sql'")

    found = client.catalogs.get("made_by_sql")
    assert found.owner == "rehearsal@example.com"
    assert found.catalog_type.value == "MANAGED_CATALOG"
    assert {one.name for one in client.catalogs.list()} >= {"main", "pps", "made_by_sql"}
    assert {one.name for one in client.schemas.list("made_by_sql")} == {"default", "inner_one", "information_schema"}
    assert client.schemas.get("made_by_sql.inner_one").comment == "by sql"


def test_a_schema_keeps_what_it_was_given(client, schema):
    """Comment, owner and properties."""
    found = client.schemas.get(schema)

    assert (found.name, found.catalog_name, found.comment) == ("sales", "pps", "a schema")
    assert found.owner == "rehearsal@example.com"
    assert found.properties == {"team": "data"}


def test_a_tables_facts(client, schema, sql):
    """Type, format, columns, partitions and owner of a table that Spark made."""
    sql(
        "CREATE TABLE pps.sales.orders "
        "(id BIGINT NOT NULL COMMENT 'the key', price DECIMAL(6,2), tags ARRAY<STRING>, day DATE) "
        "PARTITIONED BY (day) COMMENT 'all orders' TBLPROPERTIES ('k' = 'v')",
        "CREATE VIEW pps.sales.cheap AS SELECT * FROM pps.sales.orders WHERE price < 1",
    )

    table, view = client.tables.get("pps.sales.orders"), client.tables.get("pps.sales.cheap")

    assert (table.table_type.value, table.data_source_format.value) == ("MANAGED", "DELTA")
    assert (table.full_name, table.owner, table.comment) == ("pps.sales.orders", "rehearsal@example.com", "all orders")
    assert table.storage_location
    assert table.properties["k"] == "v"
    told = [(one.name, one.type_text, one.type_name.value, one.nullable, one.partition_index) for one in table.columns]
    assert told == [
        ("id", "bigint", "LONG", False, None),
        ("price", "decimal(6,2)", "DECIMAL", True, None),
        ("tags", "array<string>", "ARRAY", True, None),
        ("day", "date", "DATE", True, 0),
    ]
    assert (table.columns[0].comment, table.columns[1].type_precision, table.columns[1].type_scale) == ("the key", 6, 2)
    assert view.table_type.value == "VIEW"
    assert view.view_definition.startswith("SELECT * FROM pps.sales.orders")
    assert {one.full_name for one in client.tables.list("pps", "sales")} >= {"pps.sales.orders", "pps.sales.cheap"}
    assert {one.full_name for one in client.tables.list_summaries("pps")} >= {"pps.sales.orders", "pps.sales.cheap"}


def test_whether_a_table_is_there(client, schema, sql):
    """``exists``, before and after a table is deleted by REST."""
    sql("CREATE TABLE pps.sales.short_lived (id INT)")

    assert client.tables.exists("pps.sales.short_lived").table_exists
    client.tables.delete("pps.sales.short_lived")

    assert not client.tables.exists("pps.sales.short_lived").table_exists
    assert sql("SHOW TABLES IN pps.sales LIKE 'short_lived'") == []


@pytest.mark.parametrize(
    ("call", "error", "code"),
    [
        (lambda w: w.catalogs.get("nope"), NotFound, "CATALOG_DOES_NOT_EXIST"),
        (lambda w: w.catalogs.delete("nope"), NotFound, "CATALOG_DOES_NOT_EXIST"),
        (lambda w: w.schemas.get("nope.s"), NotFound, "CATALOG_DOES_NOT_EXIST"),
        (lambda w: w.schemas.get("pps.nope"), NotFound, "SCHEMA_DOES_NOT_EXIST"),
        (lambda w: w.schemas.create("s", "nope"), NotFound, "CATALOG_DOES_NOT_EXIST"),
        (lambda w: list(w.schemas.list("nope")), NotFound, "CATALOG_DOES_NOT_EXIST"),
        (lambda w: w.tables.get("pps.nope.t"), NotFound, "SCHEMA_DOES_NOT_EXIST"),
        (lambda w: w.tables.get("pps.sales.nope"), NotFound, "TABLE_DOES_NOT_EXIST"),
        (lambda w: w.tables.delete("pps.sales.nope"), NotFound, "TABLE_DOES_NOT_EXIST"),
        (lambda w: list(w.tables.list("pps", "nope")), NotFound, "SCHEMA_DOES_NOT_EXIST"),
        (lambda w: w.functions.get("pps.sales.nope"), NotFound, "ROUTINE_OR_MODEL_DOES_NOT_EXIST"),
        (lambda w: w.catalogs.create("pps"), BadRequest, "CATALOG_ALREADY_EXISTS"),
        (lambda w: w.schemas.create("sales", "pps"), BadRequest, "SCHEMA_ALREADY_EXISTS"),
        (lambda w: w.catalogs.create("a b"), BadRequest, "INVALID_PARAMETER_VALUE"),
        (lambda w: w.tables.get("only.two"), BadRequest, "INVALID_PARAMETER_VALUE"),
        (
            lambda w: w.catalogs.create("far", storage_root="abfss://c@a.dfs.core.windows.net/x"),
            NotFound,
            "EXTERNAL_LOCATION_DOES_NOT_EXIST",
        ),
    ],
)
def test_errors_have_databricks_codes(client, schema, call, error, code):
    """Each refusal is the SDK's own class, with Unity Catalog's code."""
    with pytest.raises(DatabricksError) as caught:
        call(client)

    assert caught.value.error_code == code
    assert isinstance(caught.value, error)


def test_what_is_not_empty_stays(client, sql):
    """A schema or a catalog with something in it goes by force only."""
    client.catalogs.create("full")
    sql("CREATE SCHEMA full.of_things", "CREATE TABLE full.of_things.t (id INT)")

    with pytest.raises(BadRequest, match="not empty") as schema_refused:
        client.schemas.delete("full.of_things")
    with pytest.raises(BadRequest, match="contains objects") as catalog_refused:
        client.catalogs.delete("full")

    assert schema_refused.value.error_code == "SCHEMA_NOT_EMPTY"
    assert catalog_refused.value.error_code == "CATALOG_NOT_EMPTY"
    client.schemas.delete("full.of_things", force=True)
    client.catalogs.delete("full", force=True)
    assert ("full",) not in sql("SHOW CATALOGS")


def test_owners_and_comments_change(client, schema, sql):
    """By REST, and Spark tells it."""
    client.schemas.create("changing", "pps")

    client.schemas.update("pps.changing", owner="data-team", comment="it's new")

    assert client.schemas.get("pps.changing").owner == "data-team"
    told = dict(sql("DESCRIBE SCHEMA EXTENDED pps.changing"))
    assert (told["Owner"], told["Comment"]) == ("data-team", "it's new")
    client.catalogs.update("pps", owner="somebody@example.com")
    assert client.catalogs.get("pps").owner == "somebody@example.com"


def test_what_would_have_no_effect_is_refused(client, schema):
    """A setting that nothing here heeds is told, loudly."""
    with pytest.raises(DatabricksError, match="does nothing with enable_predictive_optimization") as caught:
        client.schemas.update(schema, enable_predictive_optimization=uc.EnablePredictiveOptimization.ENABLE)

    assert caught.value.error_code == "NOT_IMPLEMENTED"


def test_functions(client, schema, sql):
    """A function that Spark made, seen and deleted by REST."""
    sql("CREATE FUNCTION pps.sales.twice(n INT, m DECIMAL(6,2)) RETURNS INT COMMENT 'doubles' RETURN n * 2")

    found = client.functions.get("pps.sales.twice")

    assert (found.data_type.value, found.routine_body.value, found.comment) == ("INT", "SQL", "doubles")
    told = [(one.name, one.type_text) for one in found.input_params.parameters]
    assert told == [("n", "int"), ("m", "decimal(6,2)")]
    assert [one.name for one in client.functions.list("pps", "sales")] == ["twice"]
    client.functions.delete("pps.sales.twice")
    assert list(client.functions.list("pps", "sales")) == []


def test_lists_come_in_pages(client, sql):
    """The SDK follows the tokens; each page has as many as were asked for."""
    client.schemas.create("paged", "main")
    sql(*(f"CREATE TABLE main.paged.t{number} (id INT)" for number in range(5)))

    first = client.api_client.do(
        "GET", "/api/2.1/unity-catalog/tables", query={"catalog_name": "main", "schema_name": "paged", "max_results": 2}
    )

    assert len(first["tables"]) == 2
    assert first["next_page_token"]
    assert len(list(client.tables.list("main", "paged", max_results=2))) == 5


def test_the_metastore(client):
    """It is assigned to this workspace."""
    summary, assigned = client.metastores.summary(), client.metastores.current()

    assert summary.metastore_id == assigned.metastore_id
    assert assigned.workspace_id == client.get_workspace_id()
