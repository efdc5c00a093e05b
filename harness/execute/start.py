"""What runs notebooks, or why nothing here can."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import KernelsMissingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.execute.measure import Measure
    from harness.execute.run import Kernels


def kernels(*, root: str, roots: Sequence[str], measure: Measure | None = None, shared: str = "", files: str = "") -> Kernels:
    """Give what runs notebooks for this process: shown paths are relative to ``root``, imports count from ``roots``.

    ``measure`` is told what coverage saw of a run; ``shared`` and ``files`` are those of `harness.execute.run.Kernels`.

    Raises:
        KernelsMissingError: Jupyter's packages aren't installed.
    """
    try:
        from harness.execute.run import Kernels
    except ModuleNotFoundError as exc:
        raise missing(exc) from exc
    return Kernels(root=root, roots=roots, measure=measure, shared=shared, files=files)


def missing(exc: ModuleNotFoundError) -> KernelsMissingError:
    """What to tell where Jupyter's packages aren't there to be imported."""
    return KernelsMissingError(
        "notebooks can't be run whole here",
        cause=f"{exc.name} isn't installed; it comes with the extras local and connect",
        mend='python -m pip install "databricks-notebook-harness[local]"',
    )
