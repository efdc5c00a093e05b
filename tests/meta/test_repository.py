from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from packaging.requirements import Requirement

LOCKS = ["requirements.lock", "locks/light.lock", "locks/connect.lock", "locks/build.lock"]
CLIENT_OLDER = {"py4j", "numpy", "pyarrow"}  # what databricks-connect wants older
HOSTS = [".".join(parts) for parts in (("pypi", "org"), ("files", "pythonhosted", "org"), ("test", "pypi", "org"))]


def requirements(project):
    """Every requirement that pyproject.toml states, with the extra or group that holds it."""
    project_table = project["project"]
    tables = {"core": project_table["dependencies"], **project_table["optional-dependencies"], **project["dependency-groups"]}
    for name, entries in tables.items():
        for entry in entries:
            if isinstance(entry, str):
                yield name, Requirement(entry)


def locked(text):
    """The versions that a lock names; a package may have one for each range of Pythons."""
    found = {}
    for name, version in re.findall(r"^([a-z0-9.-]+)==(\S+)", text, flags=re.MULTILINE):
        found.setdefault(name, []).append(version)
    return found


def test_every_dependency_has_its_reason(project, root):
    """Each dependency stands in ``docs/dependencies.md`` with why it and not another, and nothing else stands there."""
    text = (root / "docs" / "dependencies.md").read_text(encoding="utf-8")

    explained = re.findall(r"^\| ([a-z0-9-]+) \| \S", text, flags=re.MULTILINE)

    assert sorted(set(explained) - {"package"}) == sorted({requirement.name for _, requirement in requirements(project)})


def test_the_locks_fit_the_project(project, root):
    """What pyproject.toml asks for is in the lock, in a version that it allows."""
    full, client = (locked((root / name).read_text(encoding="utf-8")) for name in ("requirements.lock", "locks/connect.lock"))
    wrong = [
        f"{requirement}: locked {versions.get(requirement.name)}"
        for group, requirement in requirements(project)
        # Of databricks-connect and what it needs there is one version for each Python.
        for versions, fits in [(client, any) if group in {"connect", "client"} else (full, all)]
        if not fits(map(requirement.specifier.contains, versions.get(requirement.name, ["0"])))
    ]

    assert wrong == [], "run `make lock`"


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_agree_and_carry_hashes(lock, root):
    """The smaller locks are cut from the whole one, and each entry has a hash."""
    text = (root / lock).read_text(encoding="utf-8")
    whole = locked((root / "requirements.lock").read_text(encoding="utf-8"))
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]

    assert entries
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    if lock == "locks/connect.lock":  # what it has beside the whole one, and older
        whole = {**locked(text), **{name: found for name, found in whole.items() if name not in CLIENT_OLDER}}
    assert [name for name, versions in locked(text).items() if not set(versions) <= set(whole[name])] == []


def test_no_file_names_an_index(texts):
    """Behind a company's mirror a host in a file is wrong."""
    pattern = re.compile("|".join(map(re.escape, HOSTS)) + r"|--(extra-)?index-url[ =]https?:")

    assert [name for name, text in texts.items() if pattern.search(text)] == []


def test_no_file_names_a_path_of_this_machine(texts, root):
    """A path of the machine that something was written on helps nobody."""
    own = {f"{folder}/" for folder in (str(root), str(Path.home()), "/root") if folder != "/"}
    pattern = re.compile(rf"(?<![\w.~}}-])(?:{'|'.join(map(re.escape, sorted(own)))})")
    here = Path(__file__).relative_to(root).as_posix()

    assert [name for name, text in texts.items() if name != here and pattern.search(text)] == []


def test_the_readme_names_targets_that_exist(root):
    """Each ``make`` command in the documents is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    pages = [root / "README.md", root / "CONTRIBUTING.md", root / "azure-pipelines.yml", *(root / "docs").rglob("*.md")]

    called = {name for page in pages for name in re.findall(r"(?:`| {4}|: )make ([a-z-]+)", page.read_text(encoding="utf-8"))}

    assert {"demo", "test", "setup"} <= called
    assert called <= targets


def test_links_between_documents_lead_somewhere(texts, root):
    """A relative link in a document names a file that is there."""
    broken = []
    for name, text in texts.items():
        if name.endswith(".md"):
            targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text)
            broken += [f"{name}: {target}" for target in targets if not (root / name).parent.joinpath(target).exists()]

    assert broken == []


def test_no_two_files_of_tests_have_one_name(root):
    """The folders of tests are no packages: of two modules of one name pytest imports one, and can't collect the other."""
    names = [path.name for path in (root / "tests").rglob("test_*.py")]

    assert [name for name in names if names.count(name) > 1] == []


def test_the_ci_script_can_be_run(root):
    """The executable bit is lost easily."""
    assert os.access(root / ".ci" / "run", os.X_OK)


@pytest.fixture
def engine(request):
    """This run's engine, the examples' too; had before pytester, which lets go of all that is imported after it."""
    pytest.importorskip("pyspark", reason="the examples need Spark (the extra `local`)")
    request.getfixturevalue("spark")


@pytest.mark.usefixtures("engine")
def test_the_examples_in_the_readme_pass(root, pytester):
    """The first thing that a reader copies works as it stands."""
    blocks = re.findall(r"```python\n(.*?)```", (root / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    example = "\n\n".join(blocks)
    shutil.copytree(root / "sample_notebooks", pytester.path / "sample_notebooks")
    pytester.makepyfile(test_readme=example)

    result = pytester.runpytest_subprocess("test_readme.py")

    result.assert_outcomes(passed=example.count("\ndef test_"))
