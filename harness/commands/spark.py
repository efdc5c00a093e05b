"""``nbh spark``: start, show and end the warm engine, and prepare what it needs."""

from __future__ import annotations

import json
import os
import sys
from typing import IO, TYPE_CHECKING, Any

from harness.errors import SparkStartError
from harness.settings import settings_for
from harness.spark import archive, choose, facts, jars, kept, places, record, server
from harness.spark.home import own_spark
from harness.spark.idle import idle_s
from harness.spark.install import find_installed
from harness.spark.launch import class_path
from harness.spark.versions import fit_of, runtime_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from harness.spark.conf import Wishes
    from harness.spark.server import Engine


def start(folder: str, *, as_json: bool, out: IO[str], tell: Callable[[str], None]) -> bool:
    """Start the engine for a folder's project, if it doesn't run."""
    settings = settings_for(os.path.join(folder, "x"))
    # What is started by hand is kept, in CI too: whoever starts it ends it.
    kept_s = idle_s(settings, {**os.environ, "CI": ""}) or settings.spark_idle_minutes * 60 or 1800
    engine = server.find_or_start(choose.wishes_of(settings), env=os.environ, progress=tell, idle_s=kept_s)
    _show(describe(engine, settings.runtime), as_json=as_json, out=out)
    return True


def status(folder: str, *, as_json: bool, out: IO[str], tell: Callable[[str], None]) -> bool:  # noqa: ARG001 -- as the others
    """Show the engine for a folder's project; false if it doesn't run."""
    settings = settings_for(os.path.join(folder, "x"))
    ours = server.place_of(choose.wishes_of(settings), os.environ).folder
    running = server.all_engines(os.environ)
    others = [describe(engine, "") for engine in running if engine.folder != ours]
    found = next((describe(engine, settings.runtime) for engine in running if engine.folder == ours), {"running": False})
    _show({**found, **environment(os.environ), "others": others}, as_json=as_json, out=out)
    return bool(found["running"])


def stop(folder: str, *, as_json: bool, out: IO[str], tell: Callable[[str], None]) -> bool:  # noqa: ARG001 -- as the others
    """End every engine of this user's; there being none is fine too."""
    ended = []
    for engine in server.all_engines(os.environ):
        server.stop(engine, progress=tell)
        ended.append(engine.record.pid)
    if as_json:
        _show({"stopped": ended}, as_json=True, out=out)
    else:
        out.write("".join(f"ended the engine with pid {pid}\n" for pid in ended) or "no engine runs\n")
    return True


def install(folder: str, *, as_json: bool, out: IO[str], tell: Callable[[str], None]) -> bool:
    """Fetch all that an engine needs and write the class archive, so that later starts are fast and need no network.

    Beside databricks-connect that begins with an environment of the engine's own.

    Raises:
        SparkStartError: The engine wrote no archive.
    """
    from harness.spark.home import check_parts, find_spark
    from harness.spark.install import install as make_environment

    check_parts()
    cache = places.cache(os.environ).folder
    own = own_spark()
    if own is not None:
        make_environment(cache, own, env=os.environ, progress=tell)
    home = find_spark(os.environ)
    java, fit = home.find_java(os.environ), fit_of(home.version)
    delta = jars.fetch(cache, fit, java=java, spark_jars=home.folder / "jars", env=os.environ, progress=tell) if fit else []
    classes = archive.file_of(cache, java, class_path(home.folder, delta=delta))
    if not classes.exists():
        _write_archive(choose.wishes_of(settings_for(os.path.join(folder, "x"))), classes, tell=tell)
    told = {"spark": home.version, "java": java.version, "delta": fit.delta if fit else "", "cache": str(cache)}
    _show({**told, **environment(os.environ)}, as_json=as_json, out=out)
    return True


def _write_archive(wishes: Wishes, classes: Path, *, tell: Callable[[str], None]) -> None:
    """Have an engine write it; with the classes that every test needs in it, and not only those of the engine's start."""
    from harness.spark.connect import open_session

    was_running = server.find(server.place_of(wishes, os.environ).folder)
    if was_running is not None:
        server.stop(was_running)
    session = open_session(wishes, roots=(), progress=tell)
    frame = session.spark.createDataFrame([(1, "a"), (2, "b")], "id int, name string")
    if session.engine.has_catalogs:
        frame.write.saveAsTable("nbh_install")
        frame = session.spark.table("nbh_install")
    frame.groupBy("name").count().collect()
    session.stop()
    server.stop(session.engine, progress=tell)
    if not classes.exists():
        raise SparkStartError(
            "the class archive can't be written",
            cause="\n".join([f"there is no {classes}", *session.engine.log_tail(5)]),
            mend="free some space there; without it engines start as slowly as the first one",
        )
    archive.tidy(classes)


def environment(env: Mapping[str, str]) -> dict[str, Any]:
    """The client and the engine's own environment, for a test environment with databricks-connect; else nothing."""
    pyspark = own_spark()
    if pyspark is None:
        return {}
    found = find_installed(places.cache(env).folder, pyspark)
    return {
        "client": f"databricks-connect {facts.version_of('databricks-connect')}",
        "environment": str(found.folder) if found is not None else "not installed: nbh spark install",
    }


def describe(engine: Engine, runtime: str) -> dict[str, Any]:
    """An engine as data; its token is left out."""
    import psutil

    found = engine.record
    process = psutil.Process(found.pid)
    family = [process, *process.children(recursive=True)]
    stands_for = runtime_of(runtime, found.spark)
    return {
        "running": True,
        "pid": found.pid,
        "url": found.url(engine.port),
        "spark": found.spark,
        "delta": found.delta or None,
        "java": found.java,
        "runtime": stands_for.name if stands_for else None,
        "gaps": stands_for.gaps_to(sys.version_info[:2]) if stands_for else [],
        "age_s": round(record.age_s(found)),
        "memory_mb": round(sum(_memory(one) for one in family) / 1e6),
        "sessions": len(list((engine.folder / "clients").glob("*.json"))),
        "kept": [{"space": one.space, "test": one.test, "tables": one.tables} for one in kept.kept_spaces(engine.folder)],
        "ends_with": found.owner or None,
        "log": str(engine.folder / "log"),
    }


def _memory(process: Any) -> int:
    import psutil

    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0  # a worker that has just ended


def _show(told: dict[str, Any], *, as_json: bool, out: IO[str]) -> None:
    if as_json:
        json.dump(told, out, ensure_ascii=False)
        out.write("\n")
        return
    if told.get("running") is False:
        out.write("no engine runs for this project; the first test starts one\n")
    for name, value in told.items():
        if name == "others":
            out.writelines(f"another engine runs: pid {other['pid']}, {other['memory_mb']} MB\n" for other in value)
        elif name == "kept":
            out.writelines(f"{'kept':<10} {one['test']}: nbh spark sql --space {one['space']}\n" for one in value)
        elif name == "gaps":
            out.writelines(f"{'differs':<10} {gap}\n" for gap in value)
        elif name != "running" and value is not None:
            out.write(f"{name:<10} {value}\n")
