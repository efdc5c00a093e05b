"""``%pip``: what it names is checked against what is installed; where a run may, it installs into a folder of its own."""

from __future__ import annotations

import glob
import importlib
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from harness.execute.magics import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

TARGET = "PIP_TARGET"
"""pip's own variable for where it installs."""

_LOOKING = ("list", "freeze", "show", "check", "inspect", "--version", "-V", "help", "--help", "-h")
"""What pip does without changing anything."""

# pip's options with a value of their own; those that name requirements are told apart below.
_WITH_VALUE = frozenset(
    {"-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--trusted-host", "--proxy", "--timeout", "--retries"}
    | {"--cert", "--client-cert", "-t", "--target", "--prefix", "--root", "--src", "--platform", "--python-version", "--abi"}
    | {"--implementation", "--upgrade-strategy", "--no-binary", "--only-binary", "--progress-bar", "--log", "--cache-dir"}
    | {"--exists-action", "--config-settings", "-C", "--global-option", "--root-user-action", "--use-feature", "--python"}
)
_SHORT = 2  # "-r" has two characters, and what follows them at once is its value


_SERVED = frozenset({"nutter"})
"""What the harness itself stands for: it needn't be installed."""


class PipError(Exception):
    """pip itself would fail on this."""


@dataclass(slots=True)
class Wanted:
    """What a line of ``%pip install`` asks for."""

    requirements: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)


def run_pip(line: str, *, site: str, may_install: bool) -> None:
    """Do what ``%pip`` says, as far as that is allowed; it tells in the output what was found.

    Raises:
        UnsupportedError: It asks for what isn't installed, or for a change of the environment.
        PipError: pip would fail.
    """
    words = shlex.split(re.sub(r"\s#.*", "", line))
    command = next((word for word in words if not word.startswith("-")), "") or (words[0] if words else "help")
    if command in _LOOKING or (words and words[0] in _LOOKING):
        _say(_pip(words))
        return
    if command != "install":
        raise UnsupportedError(f"%pip {command} changes the environment of the tests, which a run doesn't")
    words.remove("install")
    wanted = read(words)
    if not wanted.requirements:
        raise PipError("You must give at least one requirement to install")
    # A constraint asks for nothing by itself.
    asked = [*wanted.requirements, *(text for text in wanted.constraints if _version_of(text))]
    lacking = list(dict.fromkeys(told for told in map(lack, asked) if told))
    if not lacking:
        _say("".join(f"{_found(text)}\n" for text in wanted.requirements))
    elif may_install:
        _install(words, site)
    else:
        raise UnsupportedError(
            f"%pip install: {'; '.join(lacking)}\n"
            "install it in the environment of the tests, or let runs install it for themselves: "
            '--nbh-allow pip (nbh run: --allow pip), or run_notebook(…, allow=["pip"])'
        )


def stay_out(site: str) -> None:
    """Have every pip that the notebook starts, by whatever way, install into the run's own folder, and every Python find it."""
    os.makedirs(site, exist_ok=True)
    os.environ[TARGET] = site
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (site, os.environ.get("PYTHONPATH", ""))))


def read(words: list[str], *, folder: str = "") -> Wanted:
    """Read the arguments of ``pip install``, requirements files among them; paths in those are relative to them.

    Raises:
        PipError: A requirements file can't be read.
    """
    wanted, rest = Wanted(), map(_without_flags, words)
    for word in rest:
        name, is_joined, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if word[:_SHORT] in ("-r", "-c", "-e", "-i", "-f") and len(word) > _SHORT and not word.startswith("--"):
            name, is_joined, value = word[:_SHORT], "=", word[_SHORT:]
        if name in ("-r", "--requirement", "-c", "--constraint", "-e", "--editable"):
            value = value if is_joined else next(rest, "")
            if name in ("-e", "--editable"):
                wanted.requirements.append(os.path.join(folder, value) if folder and "://" not in value else value)
                continue
            inner = _read_file(os.path.join(folder, os.path.expanduser(value)))
            if name in ("-c", "--constraint"):
                wanted.constraints += inner.requirements
            else:
                wanted.requirements += inner.requirements
                wanted.constraints += inner.constraints
        elif name in _WITH_VALUE:
            if not is_joined:
                next(rest, "")
        elif not word.startswith("-"):
            wanted.requirements += sorted(glob.glob(word)) if "*" in word and "/" in word else [word]
    return wanted


def _without_flags(word: str) -> str:
    """Give `-qr` as `-r`: of short options that are joined, only the last may have a value."""
    return re.sub(r"^-[qvUI]+(?=[^qvUI])", "-", word)


def _read_file(path: str) -> Wanted:
    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read().replace("\\\n", " ")
    except OSError as exc:
        raise PipError(f"Could not open requirements file: {exc}") from exc
    wanted = Wanted()
    for line in text.splitlines():
        bare = line.strip() if line.strip().startswith("#") is False else ""
        bare = bare.split(" #")[0].strip()
        if bare.startswith("-"):
            inner = read(shlex.split(bare), folder=os.path.dirname(path))
            wanted.requirements += inner.requirements
            wanted.constraints += inner.constraints
        elif bare:
            wanted.requirements.append(bare.split(" --")[0].strip())
    return wanted


def lack(text: str) -> str:
    """Say what of a requirement isn't installed, or can't be told; "" if all of it is."""
    if _is_served(text):
        return ""
    if text.startswith(("git+", "http://", "https://", "file:", "hg+", "svn+", "bzr+")):
        return _lack_of_address(text)
    if "@" in text and "://" in text:
        return next(_lacks(_parsed(text)), "")
    if text.endswith((".whl", ".tar.gz", ".zip")) or text.startswith((".", "/", "~", "dbfs:")) or os.path.isdir(text):
        return _lack_of_path(text.partition("[")[0] if not text.endswith("]") else text[: text.rindex("[")])
    return next(_lacks(_parsed(text)), "")


def lack_of(text: str) -> str:
    """The same of what can't be read, too."""
    try:
        return lack(text)
    except PipError as exc:
        return str(exc)


def _parsed(text: str) -> Requirement:
    try:
        return Requirement(text)
    except InvalidRequirement as exc:
        raise PipError(f"Invalid requirement: {text!r}: {exc}") from None


def _lacks(requirement: Requirement, extra: str = "") -> Iterator[str]:
    if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
        return
    try:
        found = metadata.distribution(requirement.name)
    except metadata.PackageNotFoundError:
        yield f"{_asked(requirement)} is not installed"
        return
    if requirement.url is not None:
        if _address_of(found) != requirement.url:
            yield f"whether the installed {requirement.name} {found.version} is that of {requirement.url} can't be told"
    elif not requirement.specifier.contains(found.version, prereleases=True):
        yield f"{_asked(requirement)} is asked for, and {found.version} is installed"
    for name in sorted(requirement.extras):
        for needed in map(Requirement, found.requires or ()):
            # What it needs without the extra came with it; looking through all of that is pip's business.
            if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
                yield from _lacks(needed, name)


def _asked(requirement: Requirement) -> str:
    return f"{requirement.name}{requirement.specifier}"


def _address_of(found: metadata.Distribution) -> str:
    """Where a distribution was installed from, if not from an index."""
    told = json.loads(found.read_text("direct_url.json") or "{}")
    revision = told.get("vcs_info", {})
    address = str(told.get("url", ""))
    return f"{revision['vcs']}+{address}@{revision.get('requested_revision', '')}".rstrip("@") if revision else address


def _lack_of_address(text: str) -> str:
    bare, _, fragment = text.partition("#")
    name = dict(part.partition("=")[::2] for part in fragment.split("&") if part).get("egg", "").partition("[")[0]
    file = bare.rsplit("/", 1)[-1]
    if not name and file.endswith(".whl"):
        return _lack_of_wheel(file)
    for found in [metadata.distribution(name)] if name and _has(name) else metadata.distributions():
        if _address_of(found) == bare:
            return ""
    return f"whether what {bare} holds is installed can't be told"


def _lack_of_path(path: str) -> str:
    if path.endswith(".whl"):
        return _lack_of_wheel(os.path.basename(path))
    project = os.path.join(os.path.expanduser(path), "pyproject.toml")
    try:
        with open(project, "rb") as file:
            name = str(tomllib.load(file)["project"]["name"])
    except (OSError, KeyError, TypeError, ValueError):
        return f"whether what {path} holds is installed can't be told"
    return "" if _has(name) else f"{name}, which {path} holds, is not installed"


def _lack_of_wheel(file: str) -> str:
    """A wheel is told by the name and version in its file's name."""
    try:
        name, version, _, _ = parse_wheel_filename(file)
    except InvalidWheelFilename as exc:
        raise PipError(str(exc)) from exc
    return next(_lacks(Requirement(f"{name}=={version}")), "")


def _has(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _found(text: str) -> str:
    try:
        marker = Requirement(text).marker
    except InvalidRequirement:
        marker = None
    if marker is not None and not marker.evaluate({"extra": ""}):
        return f"not for this Python: {text}"
    return f"the harness stands for it: {text}" if _is_served(text) else f"already here: {text}{_version_of(text)}"


def _is_served(text: str) -> bool:
    return re.split(r"[^\w.-]", text, maxsplit=1)[0].lower() in _SERVED


def _version_of(text: str) -> str:
    try:
        return f" ({metadata.version(Requirement(text).name)})"
    except (InvalidRequirement, metadata.PackageNotFoundError):
        return ""


def _install(words: list[str], site: str) -> None:
    """Install what is missing, and only that, into the run's own folder.

    Raises:
        UnsupportedError: It would replace a package that this Python has loaded: one process can't hold both.
    """
    report = f"{site}.json"
    _pip(["install", "--dry-run", "--quiet", "--report", report, *words])
    with open(report, encoding="utf-8") as file:
        planned: list[dict[str, Any]] = json.load(file)["install"]
    if not planned:
        _say("already here\n")
        return
    loaded = _loaded()
    clash = sorted(item["metadata"]["name"] for item in planned if canonicalize_name(item["metadata"]["name"]) in loaded)
    if clash:
        raise UnsupportedError(
            f"%pip install would replace {', '.join(clash)}, which the run itself works with;\n"
            "install it in the environment of the tests"
        )
    names = [
        f"{item['metadata']['name']} @ {item['download_info']['url']}"
        if item.get("is_direct")
        else f"{item['metadata']['name']}=={item['metadata']['version']}"
        for item in planned
    ]
    _pip(["install", "--quiet", "--no-deps", "--upgrade", "--target", site, *_sources(words), *names])
    importlib.invalidate_caches()
    told = sorted(f"{item['metadata']['name']} {item['metadata']['version']}" for item in planned)
    _say(f"installed for this run: {', '.join(told)}\n")


def _loaded() -> set[str]:
    """The distributions of which something is imported."""
    tops = {name.partition(".")[0] for name in sys.modules}
    return {
        canonicalize_name(name) for top, names in metadata.packages_distributions().items() if top in tops for name in names
    }


def _sources(words: list[str]) -> list[str]:
    """Where packages come from, of a line's options."""
    kept, rest = [], map(_without_flags, words)
    for word in rest:
        if word in ("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--trusted-host"):
            kept += [word, next(rest, "")]
        elif word in ("--no-index", "--pre") or word.partition("=")[0] in ("--index-url", "--extra-index-url", "--find-links"):
            kept.append(word)
    return kept


def _pip(words: list[str]) -> str:
    """Run pip in this environment; gives what it said."""
    command = [sys.executable, "-P", "-m", "pip", "--disable-pip-version-check", "--no-input", "--no-color", *words]
    env = {name: value for name, value in os.environ.items() if name != TARGET}
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env=env)  # noqa: S603 -- pip itself
    if done.returncode:
        raise PipError((done.stderr or done.stdout).strip() or f"pip ended with {done.returncode}")
    return done.stdout


def _say(text: str) -> None:
    sys.stdout.write(text)
