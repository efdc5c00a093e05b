from __future__ import annotations

import os

import pytest

from harness.spark import places


def test_the_variable_names_the_cache(tmp_path):
    """It is made, and private."""
    found = places.cache({"NBH_CACHE_DIR": str(tmp_path / "a" / "b")})

    assert found == places.Cache(tmp_path / "a" / "b")
    assert found.folder.stat().st_mode & 0o077 == 0


def test_a_folder_that_others_can_read_is_closed(tmp_path):
    """It may have been made by hand."""
    (tmp_path / "open").mkdir(mode=0o755)

    assert places.private(tmp_path / "open").stat().st_mode & 0o077 == 0


def test_where_nothing_can_be_written_a_temporary_folder_serves(tmp_path, monkeypatch):
    """And it is said why."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "file").write_text("")

    found = places.cache({"NBH_CACHE_DIR": str(tmp_path / "file" / "cache")})

    assert found.folder == tmp_path / f"nbh-cache-{os.getuid()}"
    assert found.why == f"{tmp_path}/file/cache can't be written (Not a directory)"


def test_another_users_folder_is_refused(tmp_path, monkeypatch):
    """Who made it could change the jars in it."""
    monkeypatch.setattr(os, "getuid", lambda: 12345)

    with pytest.raises(PermissionError, match="belongs to another user"):
        places.private(tmp_path)
