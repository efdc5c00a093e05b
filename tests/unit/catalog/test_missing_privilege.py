"""What a workspace says of a privilege that lacks, as an error with the grant."""

from __future__ import annotations

import pytest

from harness.catalog.privileges import missing_privilege

SPARK = "[INSUFFICIENT_PERMISSIONS] Insufficient privileges:\nUser does not have {} on {}. SQLSTATE: 42501\n\nJVM:\n…"


def test_the_error_names_the_grant():
    """Its full text, for a schema of a test."""
    error = missing_privilege(SPARK.format("CREATE SCHEMA", "Catalog 'pps'"), "schema", ("pps", "nbh_x"))

    assert str(error) == (
        "NBH328 the schema pps.nbh_x can't be made for want of a privilege\n"
        "  cause: User does not have CREATE SCHEMA on Catalog 'pps'\n"
        "  mend:  have who owns it say: GRANT CREATE SCHEMA ON CATALOG pps TO the identity that runs the tests, or name "
        "another catalog in the environment's table\n"
        "  more:  docs/errors.md#nbh328"
    )
    assert isinstance(error, PermissionError)


@pytest.mark.parametrize(
    ("told", "grant"),
    [
        (SPARK.format("USE SCHEMA", "Schema 'pps.in-put'"), "GRANT USE SCHEMA ON SCHEMA pps.`in-put` TO"),
        ("PERMISSION_DENIED: User does not have SELECT on Table 'a.b.c'.", "GRANT SELECT ON TABLE a.b.c TO"),
        ("PERMISSION_DENIED: something else", "grant it to the identity"),
        (
            "PERMISSION_DENIED: User does not have CREATE CATALOG on Metastore 'primary'.",
            "GRANT CREATE CATALOG ON METASTORE TO",
        ),
        (
            SPARK.format("CREATE MANAGED STORAGE", "External Location 'loc-dev.managed'"),
            "GRANT CREATE MANAGED STORAGE ON EXTERNAL LOCATION `loc-dev.managed` TO",
        ),
    ],
)
def test_other_objects(told, grant):
    """By Spark and by REST; words that aren't known are told as they are."""
    assert grant in missing_privilege(told, "table", ("a", "b", "t")).mend


def test_other_errors_are_left_alone():
    """What isn't about privileges is none of this."""
    assert missing_privilege("[TABLE_OR_VIEW_NOT_FOUND] no", "table", ("a", "b", "t")) is None
