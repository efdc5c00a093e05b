"""The command ``nbh``: calls down what was asked for, and sets the exit code.

0 is yes, 1 no, 2 wrong use or settings, 3 could not find out.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from harness.commands.arguments import WRONG_USE, make_parser
from harness.errors import CellNotFoundError, HarnessError, SettingsError, WidgetNotDefinedError, WidgetValueError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

YES, NO, UNKNOWN, INTERRUPTED = 0, 1, 3, 130

_MANY = 50  # notebooks, from where on the progress is worth a line


# What is raised of the settings, and of what the command line gives: a cell or a widget that isn't there.
_OF_USE = (SettingsError, CellNotFoundError, WidgetNotDefinedError, WidgetValueError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``nbh`` and give its exit code."""
    try:
        options = make_parser(_DOES).parse_args(arguments)
        code = int(options.run(options))
        sys.stdout.flush()  # here, where a reader that has gone is no error
    except HarnessError as error:
        if error.location is not None and error.location.path.startswith(os.getcwd() + os.sep):
            error.location = replace(error.location, path=os.path.relpath(error.location.path).replace(os.sep, "/"))
        _say(str(error))
        return WRONG_USE if isinstance(error, _OF_USE) else UNKNOWN
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (`nbh list | head`) has enough; what is still buffered must not be tried again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return YES
    return code


def _list(options: argparse.Namespace) -> int:
    from harness.commands.list import make_list, write_json

    _check_paths(options.paths)
    listing = make_list(options.paths, current=os.getcwd(), watch=_watch)
    if options.json:
        write_json(listing, sys.stdout)
        for problem in listing.problems:
            _say(f"{problem.location}: {problem.code} {problem.what}: {problem.cause}")
    else:
        from harness.commands.table import console, draw

        draw(listing, console())
    sys.stdout.flush()
    return YES if listing.is_whole else UNKNOWN


def _new_test(options: argparse.Namespace) -> int:
    from harness.commands.new_test import write_test

    _check_paths([options.notebook])
    done = write_test(options.notebook, output=options.output, force=options.force, current=os.getcwd())
    print(done.text) if done.is_written else _say(done.text)
    return YES if done.is_written else NO


def _run(options: argparse.Namespace) -> int:
    from harness.commands import run

    if options.serve:
        from harness.execute.start import missing

        try:
            from harness.commands.serve_runs import serve
        except ModuleNotFoundError as exc:
            raise missing(exc) from exc
        serve(lambda arguments: main(["run", *arguments]))
        return YES
    if options.notebook is None:
        raise SettingsError("no notebook is named", cause="`nbh run` runs one", mend="write nbh run notebooks/etl.py")
    if not options.entry_point:
        _check_paths([options.notebook])
    if options.timeout < 0:
        raise SettingsError("--timeout is negative", cause="it is a number of seconds", mend="write --timeout 60")
    wanted = run.Wanted(
        options.notebook,
        widgets=run.parameters(options.parameters),
        arguments=run.arguments(options),
        entry_point=options.entry_point,
        timeout_s=options.timeout or None,
        skip_cells=tuple(int(cell) if cell.isdigit() else cell for cell in options.skip_cell),
        outputs=run.check_outputs(options.output),
        allow=tuple(options.allow),
        as_json=options.json,
        space=options.space,
        files=_folder(options.files),
        user=options.user,
        principal=options.principal,
        kernels=os.path.abspath(options.kernels) if options.kernels else "",
        task_key=options.task_key,
        task_values=run.read_values(options.task_values) if options.task_values else {},
    )
    return run.exit_code(run.run_once(wanted, current=os.getcwd(), out=sys.stdout, tell=_say))


def _doctor(options: argparse.Namespace) -> int:
    from harness.commands.doctor import examine, show, write_json

    if options.env:
        from harness.commands import doctor_env

        facts = doctor_env.examine(os.getcwd(), options.env, tell=_say)
    else:
        facts = examine(os.getcwd())
    if options.json:
        write_json(facts, sys.stdout)
    else:
        show(facts)
    return NO if any(fact.ok is False for fact in facts) else YES


def _explain(options: argparse.Namespace) -> int:
    from harness.commands.explain import explain

    print(explain(options.code))
    return YES


def _sweep(options: argparse.Namespace) -> int:
    from harness.commands import sweep

    done = sweep.run(
        os.getcwd(),
        name=options.env,
        is_dry=options.dry_run,
        with_kept=options.kept,
        as_json=options.json,
        out=sys.stdout,
        tell=_say,
        ask=None if options.yes or options.json or not (sys.stdin.isatty() and sys.stdout.isatty()) else _may_remove,
    )
    return YES if done else NO


def _may_remove(count: int) -> bool:
    try:
        return input(f"remove {'it' if count == 1 else f'these {count}'}? [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        return False


def _record(options: argparse.Namespace) -> int:
    from harness.commands import record

    done = record.run(
        os.getcwd(),
        name=options.env,
        output=options.output,
        is_reading=options.read_only,
        as_json=options.json,
        out=sys.stdout,
        tell=_say,
    )
    return YES if done else NO


def _rehearsal(options: argparse.Namespace) -> int:
    from harness.commands import rehearsal

    verbs = {"start": rehearsal.start, "status": rehearsal.status, "stop": rehearsal.stop, "env": rehearsal.env}
    verb = verbs[options.action]
    return YES if verb(os.getcwd(), as_json=options.json, out=sys.stdout, tell=_say) else NO


def _spark(options: argparse.Namespace) -> int:
    from harness.commands import spark

    if options.action == "sql":
        from harness.commands.sql import look

        done = look(
            os.getcwd(), space=options.space, statement=options.statement, as_json=options.json, out=sys.stdout, tell=_say
        )
        return YES if done else NO
    if options.action == "drop":
        from harness.commands.sql import drop

        return YES if drop(os.getcwd(), names=options.names, every=options.every, as_json=options.json, out=sys.stdout) else NO
    does = {"install": spark.install, "start": spark.start, "status": spark.status, "stop": spark.stop}[options.action]
    return YES if does(os.getcwd(), as_json=options.json, out=sys.stdout, tell=_say) else NO


def _folder(path: str) -> str:
    if path and not os.path.isdir(path):
        raise SettingsError("there is no such folder", cause=f'--files is "{path}"', mend="name a folder that is there")
    return os.path.abspath(path) if path else ""


def _check_paths(paths: Iterable[str]) -> None:
    for path in paths:
        if not os.path.exists(path):
            folder, name = os.path.split(path)
            beside = os.listdir(folder or ".") if os.path.isdir(folder or ".") else []
            near = get_close_matches(name, beside, n=1)
            hint = (
                f'did you mean "{os.path.join(folder, near[0])}"?'
                if near
                else "check the path; `nbh list` shows the notebooks below this folder"
            )
            raise SettingsError("there is no such file or folder", cause=f'the path is "{path}"', mend=hint)


def _watch(notebooks: Sequence[str]) -> Iterable[str]:
    """Show a line of progress on a terminal while there is much to read."""
    if len(notebooks) < _MANY or not sys.stderr.isatty():
        return notebooks
    from rich.console import Console
    from rich.progress import track

    return track(notebooks, description="Reading notebooks", console=Console(stderr=True), transient=True)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


_DOES = {
    "list": _list,
    "new-test": _new_test,
    "run": _run,
    "doctor": _doctor,
    "explain": _explain,
    "spark": _spark,
    "sweep": _sweep,
    "record": _record,
    "rehearsal": _rehearsal,
}
