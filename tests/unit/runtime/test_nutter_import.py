from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from harness.runtime import nutter, nutter_results
from harness.runtime.nutter_import import NutterFinder, nutter_watch


def forget():
    """Have nothing of that name imported."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "runtime"]:
        del sys.modules[name]


@pytest.fixture
def served(monkeypatch):
    """Our modules are found as in a test run; nothing of it stays."""
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, NutterFinder()])
    forget()
    yield
    forget()


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Put a package named ``runtime`` on the path."""

    def put(**modules):
        folder = tmp_path / "site" / "runtime"
        folder.mkdir(parents=True)
        for name, text in modules.items():
            (folder / f"{name}.py").write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(folder.parent)
        importlib.invalidate_caches()

    return put


def test_the_modules_that_notebooks_import_are_there(served):
    """Both, with all that notebooks take from them."""
    from runtime.nutterfixture import NutterFixture, tag
    from runtime.runner import NutterFixtureParallelRunner

    assert (NutterFixture, tag) == (nutter.NutterFixture, nutter.tag)
    assert NutterFixtureParallelRunner is nutter.NutterFixtureParallelRunner


def test_what_nutter_lacks_is_lacking(served):
    """A name or module that Nutter doesn't have is an ImportError."""
    with pytest.raises(ImportError, match="NutterRunner"):
        from runtime.runner import NutterRunner  # noqa: F401 -- it is not there
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("runtime.other")


def test_an_installed_nutter_wins(served, installed):
    """Ours is asked only for what nobody else has."""
    installed(__init__="", nutterfixture="class NutterFixture: mark = 'installed'\ntag = None\n")

    from runtime.nutterfixture import NutterFixture

    assert NutterFixture.mark == "installed"


def test_a_package_of_the_user_stays_theirs(served, installed):
    """Their ``runtime`` is imported, and Nutter's modules are found in it, as if nutter were installed too."""
    installed(__init__="OWN = 1\n", config="VALUE = 2\n")

    import runtime
    from runtime.config import VALUE
    from runtime.nutterfixture import NutterFixture

    assert (runtime.OWN, VALUE) == (1, 2)
    assert NutterFixture is nutter.NutterFixture


def test_a_plain_folder_of_that_name_hides_nothing(served, installed):
    """A folder ``runtime`` without an ``__init__.py`` is a package to Python."""
    installed(config="VALUE = 2\n")

    from runtime.config import VALUE
    from runtime.nutterfixture import NutterFixture

    assert VALUE == 2
    assert NutterFixture is nutter.NutterFixture


def test_nothing_stays_when_it_is_withdrawn(monkeypatch):
    """The path is as before, and our modules aren't taken for others later."""
    monkeypatch.setattr(sys, "meta_path", [one for one in sys.meta_path if not isinstance(one, NutterFinder)])
    # A folder of tests has that name too, and Python would take it for a package.
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if not Path(folder, "runtime").exists()])
    forget()
    before, finder = list(sys.meta_path), NutterFinder()
    sys.meta_path.append(finder)
    importlib.import_module("runtime.nutterfixture")

    finder.withdraw()

    assert sys.meta_path == before
    assert not {"runtime", "runtime.nutterfixture"} & set(sys.modules)


INSTALLED = """
class Result:
    def __init__(self, test_name, passed, exception=None):
        self.test_name, self.passed, self.exception = test_name, passed, exception

class NutterFixture:
    def execute_tests(self):
        if hasattr(self, "before_all"):
            self.before_all()
        results = [Result("a", True), Result("b", False, ValueError("wrong"))]
        return type("Done", (), {"test_results": type("All", (), {"results": results})})
"""


def test_an_installed_nutter_tells_its_results_too(served, installed, monkeypatch):
    """Also what it passes over, and a fixture that its parallel runner would drop."""
    installed(__init__="", nutterfixture=INSTALLED)
    monkeypatch.setattr(sys, "meta_path", [nutter_watch(), *sys.meta_path])
    told = []
    monkeypatch.setattr(nutter_results, "WATCHERS", [told.append])
    from runtime.nutterfixture import NutterFixture

    class T(NutterFixture):
        def assertion_a(self): ...

        def assertoin_c(self): ...

    class Broken(T):
        def before_all(self):
            raise ValueError("no set-up")

    done = T().execute_tests()

    assert [result.test_name for result in done.test_results.results] == ["a", "b"]
    assert [(result.fixture, result.test_name, result.passed) for result in told] == [
        ("T", "assertoin_c", False),
        ("T", "a", True),
        ("T", "b", False),
    ]
    with pytest.raises(ValueError, match="no set-up"):
        Broken().execute_tests()
    assert (told[-1].fixture, told[-1].test_name, told[-1].passed) == ("Broken", "all cases", False)
