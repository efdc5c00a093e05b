from __future__ import annotations

import threading

import pytest
from workspaces import FakeWorkspace, lost

from harness.environments import Environment
from harness.notebook import read_notebook
from harness.remote.catalogs_named import catalog_of_value, mentions
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


def test_an_address_is_one_however_it_is_written(ws):
    """A directory says "Me@Example.com" where the grant says "me@example.com", or the other way round."""
    ws.privileges["catalog", "prod"] = [("Me@Example.com", ["MODIFY"])]
    with pytest.raises(PrivilegeError, match=r"MODIFY on the catalog, granted to Me@Example\.com"):
        check(ws)

    ws.privileges["catalog", "prod"], ws.catalogs_made["prod"]["owner"] = [], "TEAM"
    with pytest.raises(PrivilegeError, match="TEAM owns the catalog"):
        check(ws)


def test_schemas_are_looked_at_side_by_side(ws):
    """Each is a call, a catalog has hundreds, and every run waits for them."""
    ws.schemas_made["prod"] = {f"s{number}": {"owner": "admins"} for number in range(4)}
    together = threading.Barrier(4, timeout=20)
    ws.before = lambda call, *told: together.wait() if call == "effective_privileges" and told[0] == "schema" else None

    assert check(ws) == ()


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


def named(tmp_path, text, *, given=(), **more):
    """What a notebook with these cells names of prd."""
    files = {f"{name}.py": more[name].encode() for name in more}
    (tmp_path / "nb.py").write_text(f"# Databricks notebook source\n{text}\n")
    found = mentions(["prd"], notebooks={"nb.py": read_notebook(tmp_path / "nb.py")}, files=files, given=lambda _: given)
    return [(str(one.location).partition(" ")[0], one.text) for one in found]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        # called a catalog
        ('CATALOG = "prd"', "CATALOG = 'prd'"),
        ('target_catalog: str = "PRD"', "target_catalog = 'PRD'"),
        ('catalog, schema = "prd", "sales"', "catalog = 'prd'"),
        ('self.catalog = cfg["catalog"] = "`prd`"', "catalog = '`prd`'"),
        ('catalog = "dev" if local else "prd"', "catalog = 'prd'"),
        ('catalog = os.environ.get("TARGET", "prd").lower()', "catalog = 'prd'"),
        ('ENV = "prd"; catalog = ENV', "catalog = ENV"),
        ('def load(day, catalog="prd"): ...', "catalog = 'prd'"),
        ('load(catalog_name="prd")', "load(catalog_name='prd')"),
        ('def load(day, catalog): ...\nload(1, "prd")', "load('prd')"),
        ('cfg = {"catalog": "prd"}', "'catalog': 'prd'"),
        (
            'spark.conf.set("spark.databricks.sql.initial.catalog.name", "prd")',
            "set('spark.databricks.sql.initial.catalog.name', 'prd')",
        ),
        ('p.add_argument("--catalog", default="prd")', "add_argument('--catalog', 'prd')"),
        ('dbutils.widgets.text("catalog", "prd")', "text('catalog', 'prd')"),
        ('dbutils.widgets.dropdown("Catalog", "prd", ["ppd", "prd"])', "dropdown('Catalog', 'prd')"),
        ('dbutils.widgets.text(name="catalog", defaultValue="prd")', "text('catalog', 'prd')"),
        # given to what takes one
        ('spark.catalog.setCurrentCatalog("prd")', "setCurrentCatalog('prd')"),
        ('spark.catalog.setCurrentCatalog(catalogName="prd")', "setCurrentCatalog(catalogName='prd')"),
        ('env = "prd"\nspark.catalog.setCurrentCatalog(env)', "setCurrentCatalog(env)"),
        # the head of a longer text
        ('df.write.saveAsTable("prd.s.t")', "prd.s"),
        ('spark.table("prd.s.t")', "prd.s"),
        ('ENV = "prd"\nspark.table(f"{ENV}.sales.orders")', "prd.sales"),
        ('ENV = "prd"\nspark.sql(f"SELECT * FROM {ENV}.{schema}.t")', "prd.{"),
        ('ENV = "prd"\nspark.sql(f"USE CATALOG {ENV}")', "USE CATALOG prd"),
        ('ENV = "prd"\nspark.table(ENV + ".sales." + name)', "prd.sales"),
        ('spark.table("prd" + "." + name)', "prd.{"),
        ('ENV = "prd"\nspark.table("{}.{}.t".format(ENV, schema))', "prd.{"),
        ('ENV = "prd"\nspark.table("{e}.s.t".format(e=ENV))', "prd.s"),
        ('ENV = "prd"\nspark.table("%s.%s.t" % (ENV, schema))', "prd.{"),
        ('spark.table(".".join(["prd", schema, "t"]))', "prd.{"),
        ('dbutils.widgets.text("env", "prd")\nenv = dbutils.widgets.get("env")\nspark.table(f"{env}.s.t")', "prd.s"),
        # volumes
        ('open("/Volumes/prd/s/v/x.csv")', "/Volumes/prd"),
        ('spark.read.csv("dbfs:/Volumes/prd/s/v")', "/Volumes/prd"),
        ('self.env = "prd"\nspark.table(f"{self.env}.s.t")', "prd.s"),
        ('class Live:\n    ENV = "prd"\n\nspark.table(f"{Live.ENV}.s.t")', "prd.s"),
        ('CATALOG_OF_X = x\nENV = "prd"\nopen(f"/Volumes/{ENV}/s/v")', "/Volumes/prd"),
        ("# MAGIC %fs ls /Volumes/prd/s/v", "/Volumes/prd"),
        ("# MAGIC %sh\n# MAGIC cat /Volumes/prd/s/v/x", "/Volumes/prd"),
        ("x = 1\n!ls /dbfs/Volumes/prd/s", "/dbfs/Volumes/prd"),
        ("# MAGIC %sql\n# MAGIC LIST '/Volumes/prd/s/v'", "/Volumes/prd"),
        ("# MAGIC %pip install /Volumes/prd/s/v/x.whl", "/Volumes/prd"),
        # other languages
        ("# MAGIC %run ./child $catalog=prd", "catalog=prd"),
        ('# MAGIC %scala\n# MAGIC val catalog: String = "prd"', 'catalog: String = "prd"'),
        ('# MAGIC %r\n# MAGIC catalog <- "prd"', 'catalog <- "prd"'),
        ("# MAGIC %sql\n# MAGIC DROP CATALOG IF EXISTS prd", "CATALOG IF EXISTS prd"),
        ("# MAGIC %sql\n# MAGIC SHOW SCHEMAS IN prd", "SHOW SCHEMAS IN prd"),
        ("# MAGIC %sql\n# MAGIC CREATE WIDGET TEXT catalog DEFAULT 'prd'", "CREATE WIDGET TEXT catalog DEFAULT 'prd'"),
    ],
)
def test_a_catalog_is_found_however_it_is_named(tmp_path, text, shown):
    """As a name, by another name, as the head of a text that is put together, in paths, in other languages."""
    assert shown in [found for _, found in named(tmp_path, text)]


@pytest.mark.parametrize(
    "text",
    [
        'run(mode="prd")',
        'ENV = "prd"',
        'if env == "prd": x = 1',
        'ENV = "prd"\nprint(f"this is {ENV}: ok", ENV)',
        'ENV = "prd"\nopen(f"{ENV}.json"), open(f"conf/{ENV}.yml")',
        'name = "prd"\nopen(f"{table.name}.{kind}")',
        'catalog = "pps" if env == "prd" else "dev"',
        'catalog = CATALOGS["prd"]',
        'catalog = find(env="prd")',
        'CATALOGS = {"dev": "dev", "live": "prd"}',
        'dbutils.widgets.dropdown("catalog", "pps", ["pps", "prd"])',
        'dbutils.widgets.text("env", "prd")',
        'CATALOG = "prd_copy"; x = "catalog prd_copy", "/Volumes/prd_copy/x", "/mnt/Volumes/prd/x"',
        '"""CATALOG = prd.s.t"""\n# catalog = "prd"',
        'spark.catalog.setCurrentCatalog("pps")',
        "# MAGIC %sh\n# MAGIC ls /tmp # not /Volumes/prd/x",
        '# MAGIC %scala\n# MAGIC val catalog = "pps" // catalog = "prd"',
        "# MAGIC %sql\n# MAGIC SELECT * FROM system.information_schema.tables WHERE table_catalog = 'prd'",
        "# MAGIC %md catalog = 'prd', /Volumes/prd/x",
        "# MAGIC %run ./prd/child $env=prd",
    ],
)
def test_words_that_name_no_catalog_are_let_through(tmp_path, text):
    """An environment, a mode, a file, a choice among several, prose."""
    assert named(tmp_path, text) == []


def test_a_magics_line_is_told_as_it_stands_in_the_cell(tmp_path):
    """A cell of Python may hold some."""
    (tmp_path / "nb.py").write_text("# Databricks notebook source\nx = 1\n!ls /Volumes/prd/s\n")

    (one,) = mentions(["prd"], notebooks={"nb.py": read_notebook(tmp_path / "nb.py")}, files={})

    assert str(one.location) == "nb.py:3 (cell 1, line 2)"


def test_the_default_of_a_widget_that_the_run_is_given_names_nothing(tmp_path):
    """The value counts that it gets, and that is looked at where it is given."""
    text = 'dbutils.widgets.text("catalog", "prd")\nc = dbutils.widgets.get("catalog")\nspark.table(f"{c}.s.t")'
    assert named(tmp_path, text) == [("nb.py:2", "text('catalog', 'prd')"), ("nb.py:4", "prd.s")]
    assert named(tmp_path, text, given=["catalog"]) == []
    paths = """dbutils.widgets.text("landing", "/Volumes/prd/s/v")\n\n# COMMAND ----------
# MAGIC %sql\n# MAGIC CREATE WIDGET TEXT landing DEFAULT "/Volumes/prd/s/v" """
    assert named(tmp_path, paths) == [("nb.py:2", "/Volumes/prd"), ("nb.py:6", "/Volumes/prd")]
    assert named(tmp_path, paths, given=["landing"]) == []
    assert named(tmp_path, 'getArgument("catalog", "prd")', given=["catalog"]) == []
    assert named(tmp_path, 'os.environ.get("catalog", "prd")', given=["catalog"]) == [("nb.py:2", "get('catalog', 'prd')")]
    assert named(tmp_path, "# MAGIC %sql\n# MAGIC CREATE WIDGET TEXT catalog DEFAULT 'prd'", given=["catalog"]) == []


def test_names_of_other_files_stand_for_what_these_bind_at_their_top(tmp_path):
    """Which a notebook imports or %runs; a name inside of another file's function is its own."""
    used = 'spark.table(f"{ENV}.s.t"), spark.table(f"{config.ENV}.s.t")'
    assert named(tmp_path, used, config='ENV = "prd"\n') == [("nb.py:2", "prd.s")]
    assert named(tmp_path, used, config='def f():\n    ENV = "prd"\n') == []
    assert named(tmp_path, f'ENV = "prd"\n\n# COMMAND ----------\n\n{used}') == [("nb.py:6", "prd.s")]


def test_a_sum_as_long_as_one_likes_is_read(tmp_path):
    """As some tool writes it."""
    assert named(tmp_path, 'x = "a"' + ' + "b"' * 500 + ' + " FROM prd" + ".s.t"') == [("nb.py:2", "prd.s")]


@pytest.mark.parametrize(
    "value", ["prd", "prd.s", "--catalog=prd", '{"catalog": "prd"}', "/Volumes/prd/s", "dbfs:/Volumes/prd"]
)
def test_a_parameter_names_a_catalog(value):
    """Alone, in a longer name, as an argument of a script, in JSON, in a path."""
    assert catalog_of_value(["prd"], value) == "prd"


@pytest.mark.parametrize("value", ["prd_copy", "--env=prd", "/mnt/prd/x", '{"env": "prd"}', "s3://prd.bucket/x"])
def test_a_parameter_names_none(value):
    """An environment, a path."""
    assert catalog_of_value(["prd"], value) is None


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
