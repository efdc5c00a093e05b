from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

import pytest

from harness.errors import EngineInstallError
from harness.spark import install

pytest.importorskip("filelock", reason="one process at a time installs, by filelock (the extras `local` and `connect`)")


@pytest.fixture
def index(tmp_path):
    """A folder with a tiny pyspark for pip to find; gives pip's settings for it."""
    folder = tmp_path / "index"
    folder.mkdir()
    about = "pyspark-4.2.1.dist-info"
    with zipfile.ZipFile(folder / "pyspark-4.2.1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("pyspark/__init__.py", "")
        wheel.writestr("pyspark/jars/spark.jar", "")
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: pyspark\nVersion: 4.2.1\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_TARGET": str(tmp_path / "elsewhere")}


@pytest.fixture
def run(tmp_path):
    """Install into a cache of the test's own; gives what was found and what was told."""

    def make(settings, **options):
        told = []
        env = {**{name: value for name, value in os.environ.items() if not name.startswith("PIP_")}, **settings}
        found = install.install(tmp_path / "cache", "4.2.1", env=env, progress=told.append, extra=(), **options)
        return found, told

    return make


def left(tmp_path):
    """What is in the folder of environments."""
    return [path.name for path in (tmp_path / "cache" / "sparks").iterdir() if path.is_dir()]


def test_an_environment_is_made_once(run, index, tmp_path):
    """By this Python's venv, and by pip as it is set up; the second time only told of."""
    assert install.find_installed(tmp_path / "cache", "4.2.1") is None

    found, told = run(index)

    assert (found.spark / "jars" / "spark.jar").is_file()
    assert found.python.is_relative_to(found.folder)
    assert found == install.find_installed(tmp_path / "cache", "4.2.1")
    assert "700 MB" in told[0]
    assert any(line.strip().startswith("Installing collected packages: pyspark") for line in told)
    assert told[-1].startswith("made it in ")
    assert run({"PIP_NO_INDEX": "1"}) == (found, [f"pyspark 4.2.1 is in {found.folder} already"])
    assert not (tmp_path / "elsewhere").exists()


def test_an_environment_whose_python_is_gone_is_none(run, index, tmp_path):
    """Its Python was a link to one that has been removed."""
    found, _ = run(index)
    found.python.unlink()
    found.python.symlink_to(tmp_path / "gone")

    assert install.find_installed(tmp_path / "cache", "4.2.1") is None


def test_each_minor_version_has_its_own(monkeypatch, tmp_path):
    """Spark's workers must be of the test process's version."""
    here = install.folder_of(tmp_path, "4.2.1")

    monkeypatch.setattr(sys, "version_info", (3, 99, 0))

    assert install.folder_of(tmp_path, "4.2.1") != here


def test_packages_that_pip_cannot_get(run, tmp_path):
    """The full text; nothing half is left."""
    with pytest.raises(EngineInstallError) as caught:
        run({"PIP_NO_INDEX": "1"})

    assert str(caught.value) == (
        "NBH318 the engine's own environment can't be made\n"
        "  cause: ERROR: Could not find a version that satisfies the requirement pyspark==4.2.1 (from versions: none)\n"
        "         ERROR: No matching distribution found for pyspark==4.2.1\n"
        "  mend:  pip's own settings hold: let `pip download pyspark` work (PIP_INDEX_URL, pip.conf, PIP_PROXY, PIP_CERT),\n"
        "         then run `nbh spark install` again\n"
        "  more:  docs/errors.md#nbh318"
    )
    assert left(tmp_path) == []


def test_no_room(run, index, tmp_path):
    """Asked before anything is fetched."""
    with pytest.raises(EngineInstallError, match="has 5 MB free, and 700 are needed") as caught:
        run(index, free_mb=lambda _folder: 5)

    assert caught.value.mend.startswith("free some space")
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    ("says", "mend"),
    [
        ("The virtual environment was not created successfully because ensurepip is not available.", "python3-venv"),
        ("OSError: [Errno 28] No space left on device", "free some space"),
    ],
)
def test_no_venv(run, tmp_path, monkeypatch, says, mend):
    """As on a Debian without python3-venv, or on a disk that fills up meanwhile; its own words are the cause."""
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho '{says}'\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))

    with pytest.raises(EngineInstallError) as caught:
        run({})

    assert caught.value.cause == says
    assert mend in caught.value.mend


def test_settings_of_the_test_environment_hold_in_the_new_one(run, index, monkeypatch, tmp_path):
    """A company's index often stands in the virtual environment's pip.conf alone."""
    prefix = tmp_path / "prefix"
    prefix.mkdir()
    (prefix / "pip.conf").write_text(f"[global]\nno-index = true\nfind-links = {index['PIP_FIND_LINKS']}\n")
    monkeypatch.setattr(sys, "prefix", str(prefix))

    found, _ = run({})

    assert Path(found.folder / "pip.conf").is_file()
