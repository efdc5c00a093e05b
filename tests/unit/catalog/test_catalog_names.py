from __future__ import annotations

import re

import pytest

from harness.catalog import names
from harness.errors import ObjectNameError


@pytest.mark.parametrize("name", ["orders", "größe", "it's", "a`b", "x" * 255, "ü" * 255, "2026", "select"])
def test_what_unity_catalog_takes_is_a_name(name):
    """Umlauts, quotes and 255 characters are fine."""
    assert names.checked(name, kind="table") == name


def test_names_are_kept_in_lower_case():
    """As Unity Catalog keeps them, so that they can be compared."""
    assert names.checked("Orders", kind="table") == "orders"


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("", "schema", "it is empty"),
        ("x" * 256, "table", "it has 256 characters"),
        ("prod.sales", "schema", "catalog_name=…, name=…"),
        ("sales.orders", "table", "catalog_name=…, schema_name=…, name=…"),
        ("a b", "table", "'a b' has ' ' in it"),
        ("a/b", "volume", "'a/b' has '/' in it"),
        ("a\n", "table", "'a\\n' has '\\n' in it"),
    ],
)
def test_what_unity_catalog_refuses_is_told(name, kind, said):
    """With what to do instead."""
    with pytest.raises(ObjectNameError, match=re.escape(said)):
        names.checked(name, kind=kind)


@pytest.mark.parametrize(
    ("parts", "text"),
    [(("main", "s", "t"), "main.s.t"), (("größe",), "`größe`"), (("a`b", "1x"), "`a``b`.`1x`"), (("it's",), "`it's`")],
)
def test_names_are_quoted_where_sql_needs_it(parts, text):
    """And read back as they were."""
    assert names.quote(*parts) == text
    assert names.split(text) == parts


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", "a.b.c.d", "`a"])
def test_what_is_no_full_name_is_refused(text):
    """Rather than cut to something that is one."""
    with pytest.raises(ObjectNameError):
        names.split(text)


@pytest.mark.parametrize("base", ["test_orders", "test_größe[a-ü]", "", "123", "x" * 500, "日本"])
def test_fresh_names_are_plain_words(base):
    """Fit for SQL and for a widget without quotes, whatever the test is called."""
    name = names.fresh(base)

    assert re.fullmatch(r"[a-z][a-z0-9_]{8,60}", name)
    assert names.quote(name) == name
    assert names.fresh(base) != name


def test_random_text_begins_with_a_letter():
    """So that it is a name, of the length that was asked for."""
    assert re.fullmatch(r"[a-z][a-z0-9]{15}", names.random_text(16))
    with pytest.raises(ObjectNameError):
        names.random_text(0)


def test_texts_are_literals():
    """A quote in a comment ends nothing."""
    assert names.literal("it's a \\ b") == "'it\\'s a \\\\ b'"


def test_near_miss():
    """What was probably meant comes first."""
    assert names.near_miss("prdo", ["main", "prod"]) == 'did you mean "prod"? known: main, prod'
    assert names.near_miss("x", []) == "known: none"
