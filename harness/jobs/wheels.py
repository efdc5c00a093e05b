"""The wheels of a project that a task has, as far as the source tells what is in them; and where it can't be told."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from harness.jobs.job import Wheel
from harness.jobs.packages import normal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.jobs.packages import Package


def by_folder(packages: Iterable[Package]) -> list[Package]:
    """Each package once."""
    return list({one.folder: one for one in packages}.values())


def wheel_of(package: Package) -> Wheel:
    """A package's wheel. Where none of its modules is known, all that lies in its folders may be in it."""
    modules = tuple(top for top in package.modules if _places(package, top))
    folders = [source for source in package.sources if any(has(source, top) for top in modules)]
    found = folders or [source for source in package.sources if os.path.isdir(source)]
    return Wheel(package.name, package.folder, tuple(found), modules, package.needs_inits, package.packages)


def several(package: Package, modules: Iterable[str], shown: Callable[[str], str]) -> str:
    """Why nobody knows which of a package's folders one of its modules is packed from; "" where each lies in one."""
    for top in modules:
        if len(places := _places(package, top)) > 1:
            return f'the module "{top}" lies in several folders: {" and ".join(map(shown, places))}'
    return ""


def clash(packages: Iterable[Package], shown: Callable[[str], str]) -> str:
    """Why nobody knows which of two wheels a task has, where one takes the other's place; "" where none does."""
    held: dict[str, str] = {}
    for one in by_folder(packages):
        modules = [f'the module "{top}"' for top in one.modules if any(_is_whole(folder, top) for folder in one.sources)]
        for what in (*([f'the package "{normal(one.name)}"'] if one.name else ()), *modules):
            other = held.setdefault(what, one.folder)
            if other != one.folder:
                both = f"{shown(other)} and of {shown(one.folder)}"
                return f"{what} is in the wheel of {both}, and the task asks for both: which of them it gets isn't known"
    return ""


def has(folder: str, module: str) -> bool:
    """Whether a folder has a module, or a folder, of that name."""
    return any(os.path.exists(os.path.join(folder, module + end)) for end in ("", ".py"))


def _places(package: Package, top: str) -> list[str]:
    return [source for source in package.sources if top and has(source, top)]


def _is_whole(folder: str, name: str) -> bool:
    """Whether it is one file's or one folder's alone: the parts of a namespace stand side by side."""
    return any(os.path.isfile(os.path.join(folder, *path)) for path in ((f"{name}.py",), (name, "__init__.py")))
