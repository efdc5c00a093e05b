from __future__ import annotations

import json
from importlib import metadata

import pytest

from harness.execute.magics import UnsupportedError
from harness.execute.pip import PipError, lack, read, run_pip


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Have a distribution of this name and version; ``url`` is where it came from."""

    def install(name, version, *, requires=(), url=None):
        folder = tmp_path / "site" / f"{name}-{version}.dist-info"
        folder.mkdir(parents=True)
        lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {needed}" for needed in requires)]
        (folder / "METADATA").write_text("Metadata-Version: 2.1\n" + "\n".join(lines) + "\n")
        if url:
            (folder / "direct_url.json").write_text(json.dumps(url))

    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return install


@pytest.fixture
def pip(tmp_path, monkeypatch):
    """Run ``%pip`` in an empty folder, where nothing may be installed."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return lambda line: run_pip(line, site=str(tmp_path / "own"), may_install=False)


@pytest.mark.parametrize(
    "line",
    [
        "install tiny",
        "install tiny==1.2.0 -q",
        "install --upgrade 'tiny>=1,<2' Tiny",
        "install -U --quiet -i https://nowhere.invalid/simple tiny  # the newest",
        "install tiny[more]",
        "install \"tiny ; python_version > '3'\"",
        "install ./dist/tiny-1.2-py3-none-any.whl",
        "install /Volumes/a/b/c/tiny-1.2-py3-none-any.whl --force-reinstall",
        "install https://nowhere.invalid/tiny-1.2-py3-none-any.whl",
    ],
)
def test_what_is_installed_is_told(installed, pip, capsys, line):
    """And the notebook goes on; no network is asked."""
    installed("tiny", "1.2", requires=["other; extra == 'more'", "unmet; extra == 'less'"])
    installed("other", "1")

    pip(line)

    assert "already here: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("install tiny==1.3", "tiny==1.3 is asked for, and 1.2 is installed"),
        ("install missing", "missing is not installed"),
        ("install tiny missing==1", "missing==1 is not installed"),
        ("install tiny[less]", "unmet is not installed"),
        ("install ./dist/tiny-2.0-py3-none-any.whl", "tiny==2.0 is asked for, and 1.2 is installed"),
        ("install git+https://nowhere.invalid/tiny", "can't be told"),
        ("install tiny@https://nowhere.invalid/tiny.zip", "can't be told"),
        ("install -e .", "can't be told"),
        ("install ../lib.tar.gz", "can't be told"),
        ("uninstall -y tiny", "changes the environment"),
        ("download tiny", "changes the environment"),
    ],
)
def test_what_is_not_is_unsupported(installed, pip, line, why):
    """Never passed over: what the notebook then runs with is not what it asked for."""
    installed("tiny", "1.2", requires=["unmet; extra == 'less'"])

    with pytest.raises(UnsupportedError, match=why):
        pip(line)


@pytest.mark.parametrize(
    "line", ["install", "install -q", "install 'not valid!!'", "install -r missing.txt", "install ./a-b.whl"]
)
def test_what_pip_itself_fails_on(pip, line):
    """Is the notebook's error, here as there."""
    with pytest.raises(PipError):
        pip(line)


def test_where_it_came_from(installed):
    """An address is held against the one that pip noted when it installed."""
    vcs = {"url": "https://nowhere.invalid/tiny", "vcs_info": {"vcs": "git", "requested_revision": "main", "commit_id": "1"}}
    installed("tiny", "1.2", url=vcs)
    installed("zipped", "1", url={"url": "https://nowhere.invalid/z.zip", "archive_info": {}})

    assert lack("git+https://nowhere.invalid/tiny@main") == ""
    assert lack("git+https://nowhere.invalid/tiny@main#egg=tiny") == ""
    assert "can't be told" in lack("git+https://nowhere.invalid/tiny@other#egg=tiny")
    assert lack("zipped@https://nowhere.invalid/z.zip") == ""


def test_a_project_by_its_name(installed, tmp_path, pip):
    """An editable install is told by the name in its pyproject.toml."""
    installed("mine", "0.1")
    (tmp_path / "work" / "pyproject.toml").write_text('[project]\nname = "mine"\n')
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "other"\n')

    pip("install -e .")
    with pytest.raises(UnsupportedError, match=r"other, which \.\. holds, is not installed"):
        pip("install --editable=..")


def test_requirements_files(tmp_path, monkeypatch):
    """With all that stands in them; files in them are beside them."""
    (tmp_path / "more").mkdir()
    (tmp_path / "all.txt").write_text(
        "\ufeff# the project's\n\nnumpy>=1  # a comment\n-r more/deep.txt\n--find-links https://nowhere.invalid/simple\n"
        "scipy \\\n  >=1\n-c limits.txt\nhashed==1 --hash=sha256:aa\n-e ./lib\n"
    )
    (tmp_path / "more" / "deep.txt").write_text("pandas\n-e ../there\n")
    (tmp_path / "limits.txt").write_text("absent<3\n")
    monkeypatch.chdir(tmp_path)

    wanted = read(["-q", "-rall.txt", "extra"])

    assert wanted.requirements == ["numpy>=1", "pandas", "more/../there", "scipy    >=1", "hashed==1", "./lib", "extra"]
    assert wanted.constraints == ["absent<3"]


def test_a_requirements_file_at_home(tmp_path, monkeypatch):
    """Where notebooks copy it to."""
    (tmp_path / "needs.txt").write_text("pandas\n")
    monkeypatch.setenv("HOME", str(tmp_path))

    assert read(["-r", "~/needs.txt"]).requirements == ["pandas"]


@pytest.mark.parametrize(
    "options", [["-qr", "needs.txt"], ["-qUrneeds.txt"], ["-qi", "URL", "-r", "needs.txt"], ["-qU", "pandas"]]
)
def test_short_options_may_be_joined(tmp_path, monkeypatch, options):
    """Of `-qr needs.txt` the file is read, as pip reads it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "needs.txt").write_text("pandas\n")

    assert read(options).requirements == ["pandas"]


def test_a_constraint_asks_for_nothing(installed, tmp_path, pip):
    """What isn't installed needs none; what is has to keep to it."""
    installed("tiny", "1.2")
    (tmp_path / "work" / "limits.txt").write_text("absent<3\n")
    (tmp_path / "work" / "other.txt").write_text("tiny<1\n")

    pip("install tiny -c limits.txt")
    with pytest.raises(UnsupportedError, match="tiny<1 is asked for"):
        pip("install tiny --constraint other.txt")


def test_files_by_a_pattern(installed, tmp_path, pip):
    """As the shell that pip is called from makes them."""
    installed("tiny", "1.2")
    (tmp_path / "work" / "dist").mkdir()
    (tmp_path / "work" / "dist" / "tiny-1.2-py3-none-any.whl").touch()
    pip("install ./dist/*.whl")

    (tmp_path / "work" / "dist" / "tiny-1.3-py3-none-any.whl").touch()
    with pytest.raises(UnsupportedError, match=r"tiny==1\.3"):
        pip("install dist/*.whl")


def test_what_is_not_for_this_python(pip, capsys):
    """Is neither missing nor here."""
    pip("install \"missing; python_version < '3'\"")

    assert capsys.readouterr().out == "not for this Python: missing; python_version < '3'\n"


def test_what_the_harness_stands_for(pip, capsys):
    """Nutter's cases run without nutter."""
    pip("install -U nutter")

    assert capsys.readouterr().out == "the harness stands for it: nutter\n"


def test_looking_is_allowed(pip, capsys):
    """It is pip itself that answers."""
    pip("show pytest")

    assert f"Version: {metadata.version('pytest')}" in capsys.readouterr().out
