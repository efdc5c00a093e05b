from __future__ import annotations

import pytest

from harness.runtime.redact import Redactor


def hiding(*values):
    """One that knows these secrets."""
    redactor = Redactor()
    for value in values:
        redactor.add(value)
    return redactor


@pytest.mark.parametrize(
    ("value", "text", "shown"),
    [
        ("hunter2", "pw=hunter2;", "pw=[REDACTED];"),
        ("hunter2", "Hunter2 hunter", "Hunter2 hunter"),
        ("test", "tests/test_a.py", "[REDACTED]s/[REDACTED]_a.py"),
        ("a", "a cat, 'a', data, a_b", "[REDACTED] cat, '[REDACTED]', data, a_b"),
        ("12", "12 of 123, x12", "[REDACTED] of 123, x12"),
        ("line one\nline two", "line one\nline two", "[REDACTED]"),
        ("line one\nline two", "E   line one\nE   line two", "E   [REDACTED]\nE   [REDACTED]"),
        ("a\nlong line", "a\nb", "a\nb"),
        ("o'neill\t1", repr("o'neill\t1"), '"[REDACTED]"'),
        ('x"y\\z', r'{"k": "x\"y\\z"}', '{"k": "[REDACTED]"}'),
        ("<&>secret", "<b>&lt;&amp;&gt;secret</b>", "<b>[REDACTED]</b>"),
        ("pässword", r'"p\u00e4ssword" pässword', '"[REDACTED]" [REDACTED]'),
        ("REDACTED", "REDACTED [REDACTED]", "[REDACTED] [REDACTED]"),
        ("x.y*z", "x.y*z xay z", "[REDACTED] xay z"),
        ("padded\n", "padded", "[REDACTED]"),
        ("", "nothing", "nothing"),
        (" \n", "a  \n b", "a  \n b"),
    ],
)
def test_a_secret_in_a_text(value, text, shown):
    """Literally, in the forms in which Python, JSON and HTML write it; one of a few letters only where it stands alone."""
    redactor = hiding(value)

    assert redactor.text(text) == shown
    assert redactor.text(redactor.text(text)) == shown


def test_the_longest_is_hidden_first():
    """Of two secrets, one of which is part of the other, nothing is left."""
    assert hiding("hunter", "hunter2hunter").text("hunter2hunter hunter") == "[REDACTED] [REDACTED]"


def test_plain_data():
    """Keys and values at any depth; a picture is left whole."""
    picture = "aGVsbG8hunter2"
    data = {
        "text/plain": ["x hunter2"],
        "image/png": picture,
        "image/svg+xml": "<t>hunter2</t>",
        "hunter2": {"n": (1, None, "hunter2")},
    }

    assert hiding("hunter2").data(data) == {
        "text/plain": ["x [REDACTED]"],
        "image/png": picture,
        "image/svg+xml": "<t>[REDACTED]</t>",
        "[REDACTED]": {"n": (1, None, "[REDACTED]")},
    }


def test_nothing_to_hide():
    """Then data stays the very same."""
    data = {"a": ["b"]}

    assert not Redactor()
    assert Redactor().data(data) is data
