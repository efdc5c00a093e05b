from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def make_venv():
    """The script, as a module."""
    path = Path(__file__).parents[2] / "scripts" / "make_venv.py"
    spec = importlib.util.spec_from_file_location("make_venv", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def make_python(tmp_path):
    """Make a command that answers like a Python of some version; ``None`` is a shim that only exists."""

    def make(name, version, *, has_venv=True):
        path = tmp_path / name
        answer = "exit 127" if version is None else f"echo '[{list(version)}, {str(has_venv).lower()}]'"
        path.write_text(f"#!/bin/sh\n{answer}\n")
        path.chmod(0o755)
        return str(path)

    return make


def test_a_real_python_is_recognised(make_venv):
    """A Python that runs says its version and whether it can make environments."""
    found = make_venv.probe(sys.executable)

    assert found.version == sys.version_info[:3]


def test_an_old_python_can_read_the_script(make_venv):
    """A Python that is too old has to be told so, not to stumble over the syntax."""
    text = Path(make_venv.__file__).read_text(encoding="utf-8")

    assert ast.parse(text, feature_version=(3, 8))


def test_a_shim_that_only_exists_is_passed_over(make_venv, make_python):
    """Commands of version managers exist even where the version does not."""
    found = make_venv.choose((make_python("python3", None), make_python("python3.12", (3, 12, 1))))

    assert found.version == (3, 12, 1)


def test_a_tested_python_is_preferred_to_a_newer_one(make_venv, make_python):
    """The newest Python of a system may be ahead of what the locks were tried with."""
    found = make_venv.choose((make_python("python3", (3, 15, 0)), make_python("python3.11", (3, 11, 2))))

    assert found.version == (3, 11, 2)


def test_too_old_a_python_is_named(make_venv, make_python):
    """The text says which Python was seen and what to install."""
    with pytest.raises(make_venv.SetupError, match=r"3\.11 or newer is needed: .* is Python 3\.9\.2") as caught:
        make_venv.choose((make_python("python3", (3, 9, 2)),))

    assert "install Python 3.11, 3.12 or 3.13" in caught.value.mend


def test_a_missing_ensurepip_is_named_with_its_package(make_venv, make_python):
    """Debian splits venv off; the package to install has the version in its name."""
    with pytest.raises(make_venv.SetupError, match="lacks ensurepip") as caught:
        make_venv.choose((make_python("python3", (3, 12, 3), has_venv=False),))

    assert "sudo apt install python3.12-venv" in caught.value.mend


def test_too_little_space_is_refused_before_anything_is_made(make_venv, tmp_path):
    """Half an environment helps nobody."""
    with pytest.raises(make_venv.SetupError, match=r"GB are free"):
        make_venv.check_space(tmp_path / ".venv", needed_gb=10**9)


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("NewConnectionError: Failed to establish a new connection: [Errno -2] Name or service not known", "can't be reached"),
        ("ERROR: Could not find a version that satisfies pip==26.3 (from versions: none)", "can't be reached"),
        ("ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED]", "certificate"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "not the one that the lock names"),
        ("HTTPError: 403 Client Error: Forbidden for url", "refuses this machine"),
        ("something else", "pip failed"),
    ],
)
def test_a_failure_of_pip_is_given_its_mend(make_venv, tmp_path, line, cause):
    """The cause is read from the end of pip's log."""
    log = tmp_path / "setup.log"
    log.write_text(f"Collecting pip\n{line}\n")

    error = make_venv.diagnose(log)

    assert cause in error.cause
    assert error.mend


def test_a_folder_that_is_no_environment_is_left_alone(make_venv, make_python, tmp_path):
    """A folder of that name may be somebody's work."""
    folder = tmp_path / ".venv"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    python = make_venv.probe(make_python("python3", (3, 12, 1)))

    with pytest.raises(make_venv.SetupError, match="is no virtual environment"):
        make_venv.make_folder(folder, python)

    assert (folder / "notes.txt").read_text() == "mine"


def test_an_environment_that_cannot_be_used_is_made_anew(make_venv, tmp_path):
    """Scripts in an environment name their own place, and a first try may have ended early."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pip").touch()
    now = {"python": "3.12.1", "folder": str(tmp_path), "lock": "a", "project": "b"}

    assert not make_venv.is_unfit(now, now)
    assert not make_venv.is_unfit(now, {})
    assert make_venv.is_unfit(now, {**now, "folder": "/old/.venv"})
    assert make_venv.is_unfit({**now, "python": "3.10.4"}, now)
    assert make_venv.is_unfit({**now, "folder": str(tmp_path / "without-pip")}, {})
    assert make_venv.is_unfit(None, now)


def test_no_client_is_installed_where_there_is_none(make_venv, make_python, capsys):
    """For Python 3.13 there is no databricks-connect: that is told, nothing is made, and the tests go on without."""
    code = make_venv.main(
        ["--venv", ".venv-none", "--lock", "locks/connect.lock", "--python", make_python("python3", (3, 13, 0))]
    )

    assert code == 0
    assert "no databricks-connect for this Python" in capsys.readouterr().out
    assert not (make_venv.ROOT / ".venv-none").exists()


def test_a_client_is_installed_where_there_is_one(make_venv, make_python):
    """The lock names one for these."""
    for minor in (11, 12):
        assert make_venv.client_fits(make_venv.probe(make_python(f"python3.{minor}", (3, minor, 1))))
    assert not make_venv.client_fits(None)
