"""What runs notebooks, or why nothing here can."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from harness.errors import KernelsMissingError
from harness.execute.measure import WARM
from harness.execute.warm import Parent

_PARTS = ("nbclient", "ipykernel", "psutil")

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.execute.measure import Measure
    from harness.execute.run import Kernels


def kernels(
    *,
    root: str,
    roots: Sequence[str],
    measure: Measure | None = None,
    shared: str = "",
    files: str = "",
    are_many: bool = False,
) -> Kernels:
    """Give what runs notebooks for this process: shown paths are relative to ``root``, imports count from ``roots``.

    ``measure`` is told what coverage saw of a run; ``shared`` and ``files`` are those of `harness.execute.warm.Parent`. That
    starts here, and gets warm while what talks to kernels is imported. ``are_many`` runs are to come: what takes long to
    import is then imported once.

    Raises:
        KernelsMissingError: Jupyter's packages aren't installed.
    """
    refuse_without_parts()
    more = WARM if measure is not None and measure.wanted() is not None else ()
    parent = Parent(more=more, shared=shared, files=files)
    try:
        parent.start()
        from harness.execute.run import Kernels
    except BaseException as exc:
        parent.stop()
        if isinstance(exc, ModuleNotFoundError):
            raise missing(exc) from exc
        raise
    heavy = Parent(more=more, shared=shared, files=files) if are_many else None
    return Kernels(parent, heavy=heavy, root=root, roots=roots, measure=measure)


def refuse_without_parts() -> None:
    """Refuse before a process is started that would need them, too.

    Raises:
        KernelsMissingError: Jupyter's packages aren't installed.
    """
    for name in _PARTS:
        if find_spec(name) is None:
            raise missing(ModuleNotFoundError(name=name))


def missing(exc: ModuleNotFoundError) -> KernelsMissingError:
    """What to tell where Jupyter's packages aren't there to be imported."""
    return KernelsMissingError(
        "notebooks can't be run whole here",
        cause=f"{exc.name} isn't installed; it comes with the extras local and connect",
        mend='python -m pip install "databricks-notebook-harness[local]"',
    )
