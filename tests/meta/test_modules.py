from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest

import harness

ROOT = Path(__file__).parents[2]

# They extend classes of Jupyter's, so they load it; only a run of a whole notebook loads them.
OF_KERNELS = {f"harness.execute.{name}" for name in ("app", "client", "kernel", "outputs", "provision", "run")}
OF_KERNELS |= {"harness.commands.serve_runs"}

# What the extras of a workspace bring is loaded by these alone.
OF_WORKSPACES = ("harness.rehearsal.", "harness.remote.")

# Runs in a fresh interpreter and forks it for each module, so that each is imported alone.
IMPORT_EACH = """
import importlib, json, os, sys, traceback
failures = {}
for name in sys.argv[1:]:
    read, write = os.pipe()
    if os.fork() == 0:
        text = ""
        try:
            importlib.import_module(name)
            heavy = {"pyspark", "pandas", "numpy", "mlflow", "databricks", "IPython"} & set(sys.modules)
            text = f"imports {sorted(heavy)}" if heavy else ""
        except BaseException:
            text = traceback.format_exc()
        os.write(write, text.encode()[:60000])
        os._exit(0)
    os.close(write)
    with open(read, "rb") as answer:
        text = answer.read().decode()
    os.wait()
    if text:
        failures[name] = text
print(json.dumps(failures))
"""


def module_names():
    """All our modules, as they are imported from an install."""
    for folder, package in ((ROOT / "harness", "harness"), (ROOT / "fixtures", "harness.fixtures")):
        for path in sorted(folder.rglob("*.py")):
            parts = [package, *path.relative_to(folder).with_suffix("").parts]
            yield ".".join(part for part in parts if part != "__init__")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_each_module_imports_alone_and_silently():
    """Imported first and with warnings as errors, a module needs no other, prints nothing and loads nothing heavy."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE_"))}
    names = [name for name in module_names() if name not in OF_KERNELS]
    if find_spec("starlette") is None or find_spec("databricks") is None:
        names = [name for name in names if not name.startswith(OF_WORKSPACES)]
    command = [sys.executable, "-W", "error", "-c", IMPORT_EACH, *names]

    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd="/", check=True)

    assert json.loads(done.stdout) == {}
    assert done.stderr == ""


def test_public_names_are_sorted_and_there():
    """What ``harness.__all__`` promises exists, in order and once."""
    public = list(harness.__all__)

    assert public == sorted(set(public))
    assert [name for name in public if not hasattr(harness, name)] == []
    assert set(public) <= set(dir(harness))


def test_packages_are_all_built(project):
    """A folder with code that the build doesn't list would be missing from the wheel."""
    packages = {name.removesuffix(".__init__") for name in map(_package_of, module_names())}

    assert set(project["tool"]["setuptools"]["packages"]) == {*packages, "harness.docs"}  # which has a page, and no code


def _package_of(module):
    parts = module.split(".")
    folder = ROOT.joinpath("fixtures", *parts[2:]) if parts[1:2] == ["fixtures"] else ROOT.joinpath(*parts)
    return module if folder.is_dir() else ".".join(parts[:-1])


def test_nothing_imports_a_fixture_module(texts):
    """A fixture module that is imported by name could be loaded twice; pytest loads them from a list of strings."""
    bad = []
    for name, text in texts.items():
        if not name.endswith(".py") or name.startswith("sample_notebooks/"):
            continue
        for node in ast.walk(ast.parse(text)):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            bad += [f"{name}: {module}" for module in modules if (module + ".").startswith(("fixtures.", "harness.fixtures."))]

    assert bad == []


def test_nothing_at_the_top_of_a_module_is_defined_twice(texts):
    """The second of two constants of one name would stand for the first, too."""
    twice = []
    for name, text in texts.items():
        if name.endswith(".py") and not name.startswith("sample_notebooks/"):
            names = Counter(name for node in ast.parse(text).body for name in _names_made_by(node))
            twice += [f"{name}: {made}" for made, times in names.items() if times > 1]

    assert twice == []


def _names_made_by(node):
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]
