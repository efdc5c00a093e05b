"""Privileges by REST and by SQL, which tell one truth; and volumes."""

from __future__ import annotations

import pytest
from data_fixtures import ask, client, rehearsal, sql
from databricks.sdk.errors import BadRequest, DatabricksError, NotFound
from databricks.sdk.service.catalog import PermissionsChange, Privilege, VolumeType

__all__ = ["ask", "client", "rehearsal", "sql"]

RUNNER = "00000000-0000-4000-9000-000000000102"


@pytest.fixture(scope="module")
def orders(client, sql):
    """A table in a schema of a catalog."""
    client.catalogs.create("prod")
    client.schemas.create("sales", "prod")
    sql("CREATE TABLE prod.sales.orders (id INT)")
    return "prod.sales.orders"


def told(assignments):
    return {one.principal: sorted(privilege.value for privilege in one.privileges) for one in assignments or []}


def test_a_grant_by_rest_is_sqls(client, orders, sql):
    """What REST gives, SHOW GRANTS shows; and what it takes is gone."""
    change = PermissionsChange(principal="account users", add=[Privilege.SELECT, Privilege.MODIFY])

    answer = client.grants.update("table", orders, changes=[change])

    assert told(answer.privilege_assignments) == {"account users": ["MODIFY", "SELECT"]}
    assert ("account users", "SELECT", "TABLE", orders) in sql(f"SHOW GRANTS ON TABLE {orders}")
    client.grants.update("table", orders, changes=[PermissionsChange(principal="account users", remove=[Privilege.MODIFY])])
    assert told(client.grants.get("table", orders).privilege_assignments) == {"account users": ["SELECT"]}


def test_a_grant_by_sql_is_rests(client, orders, sql):
    """To a group that only SQL has named so far."""
    sql("GRANT USE SCHEMA, CREATE TABLE ON SCHEMA prod.sales TO `data-team`")

    found = client.grants.get("schema", "prod.sales")

    assert told(found.privilege_assignments) == {"data-team": ["CREATE_TABLE", "USE_SCHEMA"]}


def test_effective_privileges_come_from_above(client, orders):
    """A write privilege on a catalog is one on each of its tables, and says where it comes from."""
    change = PermissionsChange(principal=RUNNER, add=[Privilege.USE_CATALOG, Privilege.MODIFY])
    client.grants.update("catalog", "prod", changes=[change])

    direct = client.grants.get("table", orders, principal=RUNNER)
    effective = client.grants.get_effective("table", orders, principal=RUNNER)

    assert told(direct.privilege_assignments) == {}
    (found,) = effective.privilege_assignments
    where = {(one.privilege.value, one.inherited_from_type.value, one.inherited_from_name) for one in found.privileges}
    assert where == {("USE_CATALOG", "CATALOG", "prod"), ("MODIFY", "CATALOG", "prod")}
    (of_catalog,) = client.grants.get_effective("catalog", "prod", principal=RUNNER).privilege_assignments
    assert {one.inherited_from_name for one in of_catalog.privileges} == {None}


def test_the_external_location_has_privileges(client, orders, sql):
    """There is one, this machine's disk; a catalog that has its name is another thing."""
    client.catalogs.create("local")
    change = PermissionsChange(principal=RUNNER, add=[Privilege.CREATE_MANAGED_STORAGE])

    answer = client.grants.update("external_location", "local", changes=[change])

    assert told(answer.privilege_assignments) == {RUNNER: ["CREATE_MANAGED_STORAGE"]}
    assert sql("SHOW GRANTS ON EXTERNAL LOCATION local") == [(RUNNER, "CREATE MANAGED STORAGE", "EXTERNAL LOCATION", "local")]
    assert told(client.grants.get("catalog", "local").privilege_assignments) == {}
    assert sql("SHOW GRANTS ON SCHEMA local.default") == []
    sql(f"REVOKE CREATE MANAGED STORAGE ON EXTERNAL LOCATION local FROM `{RUNNER}`")
    assert told(client.grants.get("external_location", "local").privilege_assignments) == {}


def test_an_unknown_principal_is_refused(client, orders):
    """Until the workspace knows it."""
    change = PermissionsChange(principal="new-team", add=[Privilege.SELECT])
    with pytest.raises(NotFound, match="Could not find principal with name new-team") as caught:
        client.grants.update("table", orders, changes=[change])
    assert caught.value.error_code == "PRINCIPAL_DOES_NOT_EXIST"

    client.api_client.do("POST", "/rehearsal/principals", body={"names": ["new-team"]})

    assert told(client.grants.update("table", orders, changes=[change]).privilege_assignments)["new-team"] == ["SELECT"]


@pytest.mark.parametrize(
    ("on", "privilege", "code"),
    [
        (("table", "prod.sales.nope"), Privilege.SELECT, "TABLE_DOES_NOT_EXIST"),
        (("catalog", "nope"), Privilege.USE_CATALOG, "CATALOG_DOES_NOT_EXIST"),
        (("schema", "prod.nope"), Privilege.USE_SCHEMA, "SCHEMA_DOES_NOT_EXIST"),
        (("table", "prod.sales.orders"), Privilege.CREATE_SCHEMA, "INVALID_PARAMETER_VALUE"),
        (("share", "s"), Privilege.SELECT, "NOT_IMPLEMENTED"),
        (("external_location", "lake"), Privilege.CREATE_MANAGED_STORAGE, "EXTERNAL_LOCATION_DOES_NOT_EXIST"),
        (("external_location", "local"), Privilege.READ_FILES, "NOT_IMPLEMENTED"),
        (("external_location", "local"), Privilege.SELECT, "INVALID_PARAMETER_VALUE"),
    ],
)
def test_refusals(orders, client, on, privilege, code):
    """What isn't there, and privileges that can't be given on it."""
    with pytest.raises(DatabricksError) as caught:
        client.grants.update(*on, changes=[PermissionsChange(principal="users", add=[privilege])])

    assert caught.value.error_code == code


def test_a_refused_change_changes_nothing(client, orders):
    """All changes of a call are looked at before the first is made."""
    good = PermissionsChange(principal="admins", add=[Privilege.SELECT])
    bad = PermissionsChange(principal="admins", add=[Privilege.CREATE_SCHEMA])

    with pytest.raises(BadRequest):
        client.grants.update("table", orders, changes=[good, bad])

    assert "admins" not in told(client.grants.get("table", orders).privilege_assignments)


def test_a_volumes_life(client, orders, sql):
    """Made by REST, seen by SQL, and the other way round."""
    made = client.volumes.create("prod", "sales", "landing", VolumeType.MANAGED, comment="what comes in")
    sql("CREATE VOLUME prod.sales.by_sql")

    assert (made.full_name, made.volume_type.value, made.owner) == ("prod.sales.landing", "MANAGED", "rehearsal@example.com")
    assert sorted(one.name for one in client.volumes.list("prod", "sales")) == ["by_sql", "landing"]
    assert {row[1] for row in sql("SHOW VOLUMES IN prod.sales")} == {"by_sql", "landing"}
    assert client.volumes.update("prod.sales.landing", comment="new", owner="data-team").comment == "new"
    assert client.volumes.read("prod.sales.landing").owner == "data-team"
    client.volumes.delete("prod.sales.by_sql")
    with pytest.raises(NotFound) as caught:
        client.volumes.read("prod.sales.by_sql")
    assert caught.value.error_code == "VOLUME_DOES_NOT_EXIST"


def test_refused_volumes(client, orders):
    """One that is there, one without its schema, one in a cloud that no external location leads to."""
    client.volumes.create("prod", "sales", "once", VolumeType.MANAGED)
    for given, code in (
        (("prod", "sales", "once", VolumeType.MANAGED, None), "VOLUME_ALREADY_EXISTS"),
        (("prod", "nope", "v", VolumeType.MANAGED, None), "SCHEMA_DOES_NOT_EXIST"),
        (
            ("prod", "sales", "far", VolumeType.EXTERNAL, "abfss://c@a.dfs.core.windows.net/x"),
            "EXTERNAL_LOCATION_DOES_NOT_EXIST",
        ),
        (("prod", "sales", "nowhere", VolumeType.EXTERNAL, None), "INVALID_PARAMETER_VALUE"),
    ):
        with pytest.raises(DatabricksError) as caught:
            client.volumes.create(*given[:4], storage_location=given[4])

        assert caught.value.error_code == code
