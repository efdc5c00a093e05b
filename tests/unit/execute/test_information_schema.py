from __future__ import annotations

import pytest

from harness.execute.information_schema import lacking

COLUMN = (
    "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column, variable, or function parameter with name {name} cannot be resolved. "
    "Did you mean one of the following? [`comment`]. SQLSTATE: 42703; line 1 pos 7;\n'Project ['x]\n"
    "+- SubqueryAlias t\n   +- RelationV2[table_name#1, comment#2] {read}\n\n\nJVM stacktrace:\n\tat x"
)
RELATION = "[TABLE_OR_VIEW_NOT_FOUND] The table or view {name} cannot be found. Verify the spelling."


@pytest.mark.parametrize(
    ("name", "relation"),
    [
        ("`last_altered`", "tables"),
        ("`t`.`CREATED`", "routines"),
        ("`c`.`numeric_scale`", "columns"),
        ("`created_by`", "volumes"),
    ],
)
def test_column_that_databricks_alone_has(name, relation):
    """By whatever alias it is asked for."""
    said = lacking(COLUMN.format(name=name, read=f"main.information_schema.{relation}"))

    assert said.startswith(f"the column {name.split('`')[-2].lower()} of information_schema.{relation} is on Databricks only")


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("`last_alterd`", "main.information_schema.tables"),
        ("`last_altered`", "main.information_schema.columns"),
        ("`last_altered`", "main.sales.tables"),
        ("`created`", "main.information_schema_old.tables"),
    ],
)
def test_column_that_nobody_has(name, read):
    """Is the mistake of who wrote it."""
    assert lacking(COLUMN.format(name=name, read=read)) == ""


@pytest.mark.parametrize("name", ["`main`.`information_schema`.`table_tags`", "`information_schema`.`Table_Tags`"])
def test_relation_that_databricks_alone_has(name):
    """With or without its catalog, in any case."""
    assert lacking(RELATION.format(name=name)).startswith("information_schema.table_tags is on Databricks only")


@pytest.mark.parametrize("name", ["`main`.`information_schema`.`table_tag`", "`main`.`sales`.`table_tags`"])
def test_relation_that_nobody_has(name):
    """Is the mistake of who wrote it."""
    assert lacking(RELATION.format(name=name)) == ""
