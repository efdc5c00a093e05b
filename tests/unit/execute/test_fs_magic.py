from __future__ import annotations

import pytest

from harness.execute.fs_magic import parse_fs
from harness.execute.magics import UnsupportedError


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("ls", ("ls", [], {})),
        ("  ls /mnt/raw", ("ls", ["/mnt/raw"], {})),
        ('ls "/mnt/a b"', ("ls", ["/mnt/a b"], {})),
        ("rm -r /tmp/x", ("rm", ["/tmp/x"], {"recurse": True})),
        ("rm --recurse=true /tmp/x", ("rm", ["/tmp/x"], {"recurse": True})),
        ("rm /tmp/x true", ("rm", ["/tmp/x", True], {})),
        ("cp -r /a /b", ("cp", ["/a", "/b"], {"recurse": True})),
        ("head --maxBytes=10000 /file/path", ("head", ["/file/path"], {"maxBytes": 10000})),
        ("put -f /a hello", ("put", ["/a", "hello"], {"overwrite": True})),
        ("help cp", ("help", ["cp"], {})),
    ],
)
def test_a_line_is_a_call(line, call):
    """As Databricks' docs say: %fs head --maxBytes=10000 /file/path is dbutils.fs.head("/file/path", maxBytes = 10000)."""
    assert parse_fs(line) == call


def test_a_line_that_is_none():
    """An open quote."""
    with pytest.raises(UnsupportedError, match="No closing quotation"):
        parse_fs("ls '/mnt")
