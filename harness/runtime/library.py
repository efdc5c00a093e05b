"""``dbutils.library``: Python begins anew; and the parts of ``dbutils`` that have nothing to answer with on one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from harness.runtime.part import Part, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True

_REMOVED = "Databricks removed it with runtime 11"
_NO_CLOUD = "there is no cloud on this machine that could give credentials"
_UNKNOWN = "what it does on Databricks can't be done on one machine"


class PythonRestart(BaseException):
    """Raised by ``dbutils.library.restartPython`` in a whole run: nothing more of the cell is run, as Python is gone."""


class Library(Part):
    """Python begins anew; what installed packages is gone, %pip does it."""

    _path = "dbutils.library"
    _refused = dict.fromkeys(("install", "installPyPI", "list", "updateCondaEnv"), _REMOVED)
    _mend = "use %pip install"

    def __init__(self, restart: Callable[[], NoReturn] | None = None) -> None:
        self._restart = restart

    def restartPython(self) -> NoReturn:  # noqa: N802 -- Databricks' own name
        """Begin Python anew: names and imports are gone, later cells run.

        Raises:
            PythonRestart: In a whole run.
            DbutilsCallError: In a unit test, whose Python is pytest's.
        """
        if self._restart is None:
            raise refusal(
                "dbutils.library.restartPython",
                cause="a unit runs in pytest's own Python, which goes on",
                mend="run the notebook whole, by run_notebook, or give the test its own: dbutils.library = …",
            )
        self._restart()


class Credentials(Part):
    """Cloud credentials, of which this machine has none."""

    _path = "dbutils.credentials"
    _refused = dict.fromkeys(
        ("assumeRole", "getCurrentCredentials", "getServiceCredentialsProvider", "showCurrentRole", "showRoles"), _NO_CLOUD
    )
    _mend = (
        "in a unit test give your own: dbutils.credentials = MyCredentials(), with the calls that the notebook makes;\n"
        "in a whole run leave the cell out: run_notebook(…, skip_cells=[…])"
    )


class Absent(Part):
    """A part that isn't served here, whatever is asked of it."""

    def __init__(self, path: str) -> None:
        vars(self)["_path"] = path

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        raise refusal(f"{self._path}.{name}", cause=_UNKNOWN, mend="")

    def __repr__(self) -> str:
        return f"<{self._path}: not served here>"

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:  # noqa: ARG002 -- it takes what the real one takes
        """Refuse."""
        raise refusal(self._path, cause=_UNKNOWN, mend="")
