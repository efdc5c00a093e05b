"""Write docs/sql-statements.md from the list in the parser's own code; --check only compares."""

from __future__ import annotations

import os
import subprocess

from build_jvm import DELTA, JAR, fetch, jar_cache, spark_jars
from written_page import DOCS, write_or_check

from harness.spark.java import find_java

PAGE = DOCS / "sql-statements.md"

_HEAD = """\
# SQL statements that only Databricks has, on the local Spark

<!-- Made by scripts/list_statements.py from harness/spark/jvm: don't edit. -->

Everything that open-source Spark and Delta can do works as they do it, on names of three levels. This is about the rest: each
statement below is *done* truly, *recorded* and shown but without effect, *checked* (what it names must be there; else it does
nothing, as it changes no answer), or *refused* with the condition `NBH_DATABRICKS_ONLY`. None is passed over in silence.
`[X]` may be left out, `A|B` is either, `…` is anything.

| statement | here it is | |
|---|---|---|
"""

_TAIL = """
`CREATE FUNCTION … RETURN …` (scalar and table functions in SQL), `SHOW CATALOGS`, `SET CATALOG`, `COMMENT ON TABLE|SCHEMA`,
`CLUSTER BY`, `OPTIMIZE … ZORDER BY`, `SHALLOW CLONE`, identity and generated columns are done by Spark and Delta themselves.

Names may be given by `IDENTIFIER(…)` with parameters and session variables, in all of them. Between `BEGIN` and `END` a
statement of this list stands in `EXECUTE IMMEDIATE`.

Databricks' own spelling is read too: `t@v1` and `t@20260131120000000` for time travel, `CREATE SCHEMA … MANAGED LOCATION` of a
folder, `CREATE TABLE … CLUSTER BY AUTO` (no keys are chosen), `FOREIGN KEY REFERENCES` on a column, a parent's
key that isn't named, `TIMESERIES` and options of keys that say nothing (`DEFERRABLE`, `MATCH FULL`, …), `SET ANSI_MODE`,
`SET TIMEZONE` and `SET LEGACY_TIME_PARSER_POLICY`. `DELETE` and `UPDATE` take subqueries that don't look at the row; for others
write `MERGE`.

Keys are made as Databricks [makes them][keys]: a primary key's columns hold no null (of a table that is there they must have
been set to `NOT NULL`), a table has one of them at most, a foreign key's parent has that key, in columns of the same types, and
a name stands once in its schema. What a key says of rows nobody checks, there or here.

[keys]: https://docs.databricks.com/sql/language-manual/sql-ref-syntax-ddl-create-table-constraint.html

`hive_metastore` and `spark_catalog` are two names of one catalog: Spark's own, which each test process has for itself. It has
tables, views and SQL functions, and `current_catalog()` calls it `spark_catalog`. The DataFrame API writes formats other than
Delta there only after `USE hive_metastore.…`. Its managed tables lie in `dbfs:/user/hive/warehouse`, as on Databricks.

`current_metastore()` gives a fixed name. `information_schema` has, in each catalog: catalogs, schemata, tables, columns, views,
volumes, routines, table_constraints, table_privileges, schema_privileges and catalog_privileges. A whole run that asks it for
another relation or column of [Databricks' own][information] (`last_altered`, say) is `unsupported`. Functions that only
Databricks has (`read_files`, `ai_…`, `is_member`, …) and the catalog `system` are refused by name.

[information]: https://docs.databricks.com/sql/language-manual/sql-ref-information-schema.html

**To the session of a test everything is open**, whatever is granted or revoked. They count for the service principal of a
rehearsal, and [which do there](environments.md#privileges-in-the-rehearsal) is told by itself.
"""


def page() -> str:
    """The page as it should be."""
    path = os.pathsep.join([str(JAR), f"{spark_jars()}/*", *map(str, fetch(DELTA, jar_cache()))])
    command = [str(find_java(os.environ).executable), "-cp", path, "io.nbh.spark.StatementKind"]
    told = subprocess.run(
        command,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        env={**os.environ, "JAVA_TOOL_OPTIONS": "-Dstdout.encoding=UTF-8 -Dfile.encoding=UTF-8"},
    )
    rows = [line.split("\t") for line in told.stdout.splitlines()]
    table = "".join(f"| `{pattern.replace('|', chr(92) + '|')}` | {how} | {note} |\n" for pattern, how, note in rows)
    return _HEAD + table + _TAIL


if __name__ == "__main__":
    raise SystemExit(write_or_check(PAGE, page, about=__doc__))
