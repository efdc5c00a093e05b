from __future__ import annotations

import threading

from harness.execute.quota import Quota, used


def test_a_link_takes_nothing_of_what_it_leads_to(tmp_path):
    """A run's working folder is full of links to the project; a hole in a file takes nothing either."""
    (tmp_path / "big").write_bytes(b"x" * 1_000_000)
    (tmp_path / "work/deep").mkdir(parents=True)
    (tmp_path / "work/deep/big").symlink_to(tmp_path / "big")
    (tmp_path / "work/folder").symlink_to(tmp_path)
    with (tmp_path / "work/hole").open("wb") as file:
        file.truncate(10**12)

    assert used(str(tmp_path / "work")) < 100_000
    assert used(str(tmp_path)) >= 1_000_000
    assert used(str(tmp_path / "nope")) == 0


def test_what_is_more_ends_the_run(tmp_path):
    """While it goes on, and only what has come since counts."""
    (tmp_path / "before").write_bytes(b"x" * 3_000_000)
    ended = threading.Event()

    with Quota({"in dbfs": str(tmp_path)}, gigabytes=0.001, end=ended.set) as quota:
        (tmp_path / "new").write_bytes(b"x" * 2_000_000)
        assert ended.wait(20)

    assert quota.exceeded == "it wrote more than the 0.001 GB that run_disk_gb allows: 0.002 GB in dbfs"


def test_what_was_written_last_counts_too(tmp_path):
    """A run that ends before anyone looks again isn't green by luck."""
    with Quota({"in dbfs": str(tmp_path)}, gigabytes=0.001, end=lambda: None) as quota:
        (tmp_path / "new").write_bytes(b"x" * 2_000_000)

    assert quota.exceeded


def test_a_run_that_writes_less(tmp_path):
    """Is left alone."""
    with Quota({"in dbfs": str(tmp_path)}, gigabytes=0.001, end=lambda: 1 / 0) as quota:
        (tmp_path / "new").write_bytes(b"x" * 1000)

    assert quota.exceeded == ""
