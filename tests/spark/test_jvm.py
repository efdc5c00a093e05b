from __future__ import annotations

import build_jvm
import list_statements


def test_the_jar_is_what_the_source_gives():
    """Whoever changes the Java builds it again: the committed jar has the same bytes as a fresh one."""
    assert build_jvm.build() == build_jvm.JAR.read_bytes(), "python scripts/build_jvm.py"


def test_the_page_of_statements_is_what_the_parser_does():
    """The list in the documentation comes from the code."""
    assert list_statements.page() == list_statements.PAGE.read_text(encoding="utf-8"), "python scripts/list_statements.py"
