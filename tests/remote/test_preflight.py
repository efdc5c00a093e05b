from __future__ import annotations

import pytest
from workspaces import FakeWorkspace, lost

from harness.environments import Environment
from harness.notebook import read_notebook
from harness.remote.catalogs_named import mentions
from harness.remote.errors import CatalogMentionError, NotAllowedError, PrivilegeError, UnknownPrivilegeError
from harness.remote.preflight import check_identity, check_texts

PPS = Environment("pps", catalog="pps", protected_catalogs=("prod", "pps"), other_catalogs=("ppd",))


@pytest.fixture
def ws():
    """A workspace with a protected catalog that the identity may only read."""
    ws = FakeWorkspace()
    ws.catalogs_made["prod"] = {"name": "prod", "owner": "admins"}
    ws.schemas_made["prod"] = {"sales": {"owner": "admins"}, "information_schema": {}}
    ws.privileges["catalog", "prod"] = [("me@example.com", ["USE_CATALOG", "SELECT"]), ("writers", ["ALL_PRIVILEGES"])]
    return ws


def check(ws, environment=PPS):
    """Look at the identity."""
    return check_identity(ws, environment, ws.me())


def test_an_identity_that_may_only_read_is_fine(ws):
    """What others may do doesn't count; the run's own catalog isn't looked at."""
    assert check(ws) == ()
    assert {call[1] for call in ws.calls if call[0] == "catalog"} == {"prod"}


def test_a_protected_environments_own_catalog_is_looked_at(ws):
    """Tests only read there, and who may do more would be held back by nothing."""
    prd = Environment("prd", catalog="prod", protected=True)
    assert check(ws, prd) == ()

    ws.privileges["schema", "prod.sales"] = [("me@example.com", ["MODIFY"])]

    with pytest.raises(PrivilegeError, match=r"NBH344 me@example\.com could change prod"):
        check(ws, prd)


@pytest.mark.parametrize(
    ("kind", "name", "who", "privilege"),
    [
        ("catalog", "prod", "me@example.com", "MODIFY"),
        ("catalog", "prod", "team", "CREATE_TABLE"),
        ("catalog", "prod", "account users", "ALL_PRIVILEGES"),
        ("schema", "prod.sales", "me@example.com", "WRITE_VOLUME"),
        ("schema", "prod.sales", "team", "BRAND_NEW_PRIVILEGE"),
        ("catalog", "prod", "me@example.com", "MANAGE"),
    ],
)
def test_any_privilege_that_writes_refuses(ws, kind, name, who, privilege):
    """The identity's own, through a group, on a schema, or one that isn't known yet."""
    ws.privileges[kind, name] = [(who, ["USE_CATALOG", privilege])]

    with pytest.raises(
        PrivilegeError, match=f"NBH344 me@example.com could change prod(.|\n)*{privilege} on .*granted to {who}"
    ):
        check(ws)


USABLE = ["USE_CATALOG", "USE_SCHEMA", "SELECT"]


@pytest.mark.parametrize(("kind", "privilege"), [("table", "MODIFY"), ("volume", "WRITE_VOLUME"), ("table", "ALL PRIVILEGES")])
def test_a_privilege_on_a_single_table_refuses(ws, kind, privilege):
    """No more is asked for to write there, where catalog and schema are open."""
    ws.objects_made = {("table", "prod.sales.orders"), (kind, "prod.sales.landing")}
    ws.privileges["catalog", "prod"] = ws.privileges["schema", "prod.sales"] = [("team", USABLE)]
    assert check(ws) == ()

    ws.privileges[kind, "prod.sales.landing"] = [("team", [*USABLE, privilege])]

    with pytest.raises(PrivilegeError, match=r"on prod\.sales\.landing, granted to team"):
        check(ws)


def test_an_owner_of_a_single_table_may_write(ws):
    """Whatever is granted."""
    ws.objects_made, ws.owners = {("table", "prod.sales.orders")}, {"prod.sales.orders": "team"}
    ws.privileges["catalog", "prod"] = ws.privileges["schema", "prod.sales"] = [("team", USABLE)]

    with pytest.raises(PrivilegeError, match=r"team owns prod\.sales\.orders"):
        check(ws)


def test_tables_in_schemas_that_are_not_open_are_not_asked_for(ws):
    """Without USE SCHEMA a privilege on a table is of no use, and there may be thousands."""
    ws.objects_made = {("table", "prod.sales.orders")}
    ws.privileges["table", "prod.sales.orders"] = [("me@example.com", ["MODIFY"])]

    assert check(ws) == ()
    assert ws.count("objects_in") == 0


def test_of_very_many_tables_those_not_looked_at_are_told(ws):
    """Each run would wait for them; a thorough look waits."""
    ws.objects_made = {("table", f"prod.sales.t{number:03}") for number in range(130)}
    ws.privileges["catalog", "prod"] = ws.privileges["schema", "prod.sales"] = [("team", USABLE)]

    (note,) = check(ws)

    assert note.startswith("30 tables and volumes of prod weren't looked at")
    ws.privileges["table", "prod.sales.t129"] = [("team", ["MODIFY"])]
    with pytest.raises(PrivilegeError, match=r"prod\.sales\.t129"):
        check_identity(ws, PPS, ws.me(), is_thorough=True)


def test_an_owner_may_write(ws):
    """Of the catalog, or of a schema in it; also through a group."""
    ws.schemas_made["prod"]["sales"]["owner"] = "team"
    with pytest.raises(PrivilegeError, match=r"prod: team owns prod\.sales"):
        check(ws)
    ws.schemas_made["prod"]["sales"]["owner"] = "admins"
    ws.catalogs_made["prod"]["owner"] = "me@example.com"
    with pytest.raises(PrivilegeError, match=r"me@example\.com owns the catalog"):
        check(ws)


def test_what_cannot_be_read_is_unknown(ws):
    """The settings decide."""
    ws.privileges["catalog", "prod"] = NotAllowedError("no", cause="needs MANAGE", mend="ask")

    with pytest.raises(UnknownPrivilegeError, match=r'NBH345(.|\n)*prod: no: needs MANAGE(.|\n)*unknown_privileges = "allow"'):
        check(ws)
    allowing = Environment("pps", protected_catalogs=("prod",), unknown_privileges="allow")
    assert check(ws, allowing) == ("privileges on prod: no: needs MANAGE (not known, and the settings allow that)",)


def test_a_catalog_that_is_not_seen_is_noted(ws):
    """Who can't see it can't write there; but it may be misspelt, and the real one unprotected."""
    del ws.catalogs_made["prod"]

    (note,) = check(ws)

    assert note.startswith("the protected catalog prod was not seen: it isn't there, or hidden")


def test_a_catalog_of_which_no_answer_came_is_unknown(ws):
    """It may well be one that the identity can change."""

    def before(name, *_):
        if name == "catalog":
            raise lost()

    ws.before = before
    with pytest.raises(UnknownPrivilegeError, match="connection reset"):
        check(ws)


def test_a_writer_is_refused_even_where_unknown_is_allowed(ws):
    """Known is known."""
    ws.privileges["schema", "prod.sales"] = [("team", ["MODIFY"])]
    allowing = Environment("pps", protected_catalogs=("prod", "nowhere"), unknown_privileges="allow")

    with pytest.raises(PrivilegeError):
        check(ws, allowing)


# -- texts ---------------------------------------------------------------------------------------------------------------------

NOTEBOOK = '''# Databricks notebook source
"""About prod.sales.orders."""
# spark.table("prod.sales.comment")
orders = spark.table("prod.sales.orders")
spark.sql(f"""
  SELECT * FROM ppd.{schema}.t  -- not prod.sales.x
  JOIN `PROD`.`sales`.`x`
""")
mine = spark.table("pps.sales.orders"), "preprod.sales.x", "a.prod.b", "s3://prod.bucket/x", "prod"
spark.catalog.setCurrentCatalog("prod")

# COMMAND ----------

# MAGIC %sql
# MAGIC USE CATALOG ppd;
# MAGIC -- prod.sales.y
# MAGIC SELECT 'x' FROM prod . sales.z

# COMMAND ----------

# MAGIC %md prod.sales.text
'''


@pytest.fixture
def notebooks(tmp_path):
    """A notebook that names catalogs in many ways."""
    (tmp_path / "etl.py").write_text(NOTEBOOK)
    return {"etl.py": read_notebook(tmp_path / "etl.py")}


def test_mentions_are_found_where_they_run(notebooks):
    """In texts of Python and in SQL, with line and cell; not in comments, prose or longer names."""
    found = mentions(["prod", "ppd"], notebooks=notebooks, files={})

    assert [(one.location.line, one.location.cell, one.catalog, one.text) for one in found] == [
        (4, 1, "prod", "prod.sales"),
        (6, 1, "ppd", "ppd.{"),
        (7, 1, "prod", "`PROD`.`sales`"),
        (10, 1, "prod", "setCurrentCatalog('prod')"),
        (15, 2, "ppd", "USE CATALOG ppd"),
        (17, 2, "prod", "prod . sales"),
    ]


def test_modules_and_sql_files_are_looked_through():
    """Other data isn't; a module that is no valid Python is looked through whole."""
    files = {
        "a.py": b'T = "prod.sales.orders"\n',
        "b.sql": b"/* prod.x.y */\nSELECT * FROM prod.x.y",
        "c.csv": b"prod.x.y",
        "d.py": b"def (: 'prod.x.y'\n",
    }
    found = mentions(["prod"], notebooks={}, files=files)

    assert [str(one.location) for one in found] == ["a.py:1", "b.sql:2", "d.py:1"]


def test_a_closure_that_names_anothers_catalog_is_refused(notebooks):
    """All places are listed; what is allowed by name isn't refused, and the run's own catalog never is."""
    with pytest.raises(CatalogMentionError) as caught:
        check_texts(PPS, notebooks=notebooks, files={})
    text = str(caught.value)
    assert text.startswith("etl.py:4 (cell 1, line 3): NBH346 what would run names a protected catalog: ppd, prod")
    assert "etl.py:15 (cell 2, line 2): USE CATALOG ppd" in text

    with pytest.raises(CatalogMentionError, match="a catalog of another environment: ppd"):
        check_texts(PPS, notebooks=notebooks, files={}, allowed=["prod"])
    assert len(check_texts(PPS, notebooks=notebooks, files={}, allowed=["prod", "ppd"])) == 6
    assert check_texts(Environment("pps", catalog="pps"), notebooks=notebooks, files={}) == ()
