"""What ``nbh`` may be asked: its commands, their options, and what ``--help`` teaches of them."""

from __future__ import annotations

import argparse
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn

from harness.settings import LOCAL_USER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WRONG_USE = 2
"""The exit code of a command line that can't be read."""

_DESCRIPTION = """\
Databricks notebooks as testable units: see what there is to test, start a test, and look at what is installed.
"""
_EXAMPLES = """\
examples:
  nbh list                        the notebooks below this folder, their units and their tests
  nbh new-test notebooks/etl.py   write a test file for a notebook, to be filled in
  nbh run notebooks/etl.py        run a notebook whole, here
  nbh doctor                      what is installed, what clashes, how to mend it
  nbh explain NBH106              what an error means, and what to do

  Then run the tests with pytest.

exit codes: 0 yes, 1 no, 2 wrong use or settings, 3 could not find out
"""
_LIST = """\
examples:
  nbh list                        all notebooks below this folder
  nbh list notebooks etl.ipynb    those below a folder, and one more
  nbh list --json | jq -r '.notebooks[] | .path as $p | .units[] | select(.tests == []) | "\\($p): \\(.name)"'
                                  what no test names

columns:
  cell, line   where the unit stands in the notebook
  needs        what a test must have for it: nothing, spark, dbutils, widget, display; a value that the notebook
               computes in a cell, shown as "name (cell n)", which a test gives by values={"name": ...}; or
               "unresolved name", which nothing in the notebook or what it %runs defines
  tests        the first test that names it, and how many more there are

exit codes: 0 all was read, 2 wrong use or settings, 3 a notebook or folder couldn't be read
"""
_NEW_TEST = """\
examples:
  nbh new-test notebooks/etl.py                        writes tests/test_etl.py
  nbh new-test 01-ingest.py --output tests/test_in.py  to a file of your choice

The file runs as it is: one test shows that the notebook loads, and passes; each other one fails, and says what to fill in.

exit codes: 0 written, 1 the file is there already, 2 wrong use or settings, 3 the notebook can't be read
"""
_RUN = """\
examples:
  nbh run notebooks/etl.py                      run it here, on the local Spark, and show what its cells show
  nbh run etl.py -p catalog=main -p day=2026-01-31
                                                with widget values, as a job gives parameters
  nbh run etl.py --output run.html              write the executed notebook too, for a browser or (.ipynb) an editor
  nbh run etl.py --skip-cell 3 --timeout 60     leave a cell out, by number or title; give up after a minute
  nbh run etl.py --json | jq .exit_value        outcome, exit value, place of the failure, cells and tables as data

It runs in a process of its own and with empty catalogs of its own; all that it made is gone at the end.

exit codes: 0 passed or exited by dbutils.notebook.exit, 1 failed or timed out, 2 wrong use or settings,
            3 could not find out: a cell can't run here, or its process or Spark was lost; 130 interrupted
"""
_DOCTOR = """\
examples:
  nbh doctor          what is installed here, what clashes, and what to do
  nbh doctor --json   the same as data: {"facts": [{"name", "value", "ok", "mend"}]}
  nbh doctor --env pps
                      an environment's values and where each came from; sign-in, compute, catalogs and privileges there

exit codes: 0 nothing to mend, 1 something must be mended, 2 wrong use
"""
_EXPLAIN = """\
examples:
  nbh explain NBH106   what this error means, and what to do

exit codes: 0 told, 2 there is no such error
"""
_SPARK = """\
examples:
  nbh spark start            start the engine now, rather than with the first test
  nbh spark status --json    {"running", "pid", "url", "spark", "java", "delta", "runtime", "age_s", "memory_mb", ...}
  nbh spark stop             end every engine of yours
  nbh spark install          fetch Delta's jars and prepare a fast start, so that tests need no network
  nbh spark sql              look at what `pytest --nbh-keep failed` kept; -c "SELECT ..." for one statement
  nbh spark drop kept-1f3a   drop that again, by the name that the run told or by the test's; --all for everything kept

The engine is one Spark Connect server, kept between pytest runs; tests start it themselves when there is none.

exit codes: 0 done, or it runs; 1 it doesn't run; 2 wrong use or settings, 3 Spark can't be had
"""
_REHEARSAL = """\
examples:
  nbh rehearsal start            start it now, rather than with the first test of pytest --databricks-env=rehearsal
  nbh rehearsal status --json    {"running", "pid", "host", "ca", "age_s", "ends_with", "log"}
  nbh rehearsal stop             end it, with the notebooks that it runs
  eval "$(nbh rehearsal env)"    have the tools of this shell sign in to it: SDK, databricks-connect, MLflow, CLI

The rehearsal is a Databricks workspace on this machine: Databricks' own clients sign in to it over TLS, upload notebooks and
run them as jobs, on real Spark. It is for trying how tests run on a workspace; it proves nothing about a real one.

exit codes: 0 done, or it runs; 1 it doesn't run; 2 wrong use or settings, 3 it can't be had
"""
_REHEARSAL_ENV = """\
examples:
  eval "$(nbh rehearsal env)"                            have this shell's tools sign in to it
  (eval "$(nbh rehearsal env)"; python my_pipeline.py)   only for one command
  nbh rehearsal env --json                               the same as data

For your own tools: Databricks' SDK and CLI, databricks-connect and MLflow find the rehearsal by these variables, sign in to it
with its token, which no other workspace knows, and trust its certificate. A shell that has them reaches no other workspace, and
trusts no other https address. A rehearsal that is started anew has another port and token.

exit codes: 0 written, 1 no rehearsal runs, 2 wrong use
"""
_SWEEP = """\
examples:
  nbh sweep --env pps             show what killed runs left on PPS (jobs' runs, clusters, schemas, folders), ask, remove it
  nbh sweep --env pps --yes       remove it without asking, as is done where there is no terminal
  nbh sweep --env pps --dry-run   only say what that is
  nbh sweep --env pps --kept      and what pytest --nbh-keep kept there, which otherwise goes when its time has passed

What a run makes on a workspace stands in a ledger on this machine before it is made; this removes what ledgers name whose runs
are gone, and what carries the harness's mark and is over age, whoever made it. Nothing else is touched.

exit codes: 0 nothing is left, 1 something wasn't removed, 2 wrong use or settings, 3 the workspace can't be reached
"""

_RECORD = """\
examples:
  nbh record --env trial                            read, make one folder and one schema, remove them, write contracts/*.json
  nbh record --env prd --read-only                  a protected environment: only what reads
  nbh record --env trial --output tests/rehearsal/contracts

A workspace is asked a fixed list of harmless calls, and for each a file tells what the answer is like: status, names and types
of the API's own fields, constants such as states and error codes. No value of yours is in it: no host, name, id, address, time.
The rehearsal's tests hold the rehearsal to such files. No run and no cluster is started.

exit codes: 0 all is recorded, 1 something couldn't be, 2 wrong use or settings, 3 the workspace can't be used or not so
"""


def make_parser(does: Mapping[str, Callable[[argparse.Namespace], int]]) -> argparse.ArgumentParser:
    """The parser of ``nbh``; the options that it gives have as ``run`` what the command does, of ``does`` by its name."""
    parser = _Parser(
        prog="nbh",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, default=argparse.SUPPRESS, help="show the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, (text, epilog, fill) in _COMMANDS.items():
        command = _added(commands, name, text, epilog)
        command.set_defaults(run=does[name])
        fill(command)
    return parser


def _added(to: Any, name: str, text: str, epilog: str | None = None) -> argparse.ArgumentParser:
    """Add a command, or an action of one."""
    added: argparse.ArgumentParser = to.add_parser(
        name,
        help=text,
        description=text[:1].upper() + text[1:] + ".",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    return added


def _json(command: argparse.ArgumentParser, otherwise: str) -> None:
    command.add_argument("--json", action="store_true", help=f"write JSON, for other programs (default: {otherwise})")


def _environment(command: argparse.ArgumentParser) -> None:
    command.add_argument("--env", metavar="NAME", required=True, help="the environment, of [tool.nbh.env.NAME] (no default)")


def _of_list(command: argparse.ArgumentParser) -> None:
    command.add_argument("paths", metavar="PATH", nargs="*", help="notebooks or folders (default: the current folder)")
    _json(command, "a table")


def _of_new_test(command: argparse.ArgumentParser) -> None:
    command.add_argument("notebook", metavar="NOTEBOOK", help="the notebook")
    command.add_argument(
        "--output", metavar="FILE", help="where to write it (default: test_NOTEBOOK.py in the project's tests folder)"
    )
    command.add_argument("--force", action="store_true", help="write over a file that is there already (default: leave it)")


def _of_run(command: argparse.ArgumentParser) -> None:
    command.add_argument("notebook", metavar="NOTEBOOK", nargs="?", help="the notebook")
    command.add_argument(
        "-p", dest="parameters", metavar="NAME=VALUE", action="append", default=[], help="a widget's value (default: its own)"
    )
    command.add_argument(
        "--timeout", metavar="SECONDS", type=float, default=600.0, help="how long it may take; 0: without end (default: 600)"
    )
    command.add_argument(
        "--skip-cell", metavar="CELL", action="append", default=[], help="leave a cell out, by number or title (default: none)"
    )
    command.add_argument(
        "--allow",
        choices=("pip", "shell"),
        action="append",
        default=[],
        help="let %%pip install into a folder of the run's own, or %%sh and ! run a shell of this machine (default: neither)",
    )
    command.add_argument(
        "--output",
        metavar="FILE",
        action="append",
        default=[],
        help="write the executed notebook, .ipynb or .html (default: no)",
    )
    _json(command, "what cells show")
    _of_script(command)
    _of_task(command)
    _of_programs(command)


def _of_script(command: argparse.ArgumentParser) -> None:
    script = command.add_argument_group("a Python script, or a package", "run as a task of a job runs them")
    script.add_argument("--script", action="store_true", help="the file is one (default: it is a notebook)")
    script.add_argument(
        "--entry-point",
        metavar="NAME",
        default="",
        help="the notebook is the name of a package, whose entry point is called as a job's python_wheel_task (default: none)",
    )
    script.add_argument(
        "--argument",
        metavar="TEXT",
        action="append",
        default=[],
        help="one of sys.argv[1:], written --argument=TEXT, in their order (default: none)",
    )


def _of_task(command: argparse.ArgumentParser) -> None:
    task = command.add_argument_group("a task of a job", "what dbutils.jobs.taskValues finds; --json tells what it has set")
    task.add_argument("--task-key", metavar="KEY", default="", help="its own task key (default: the notebook's name)")
    task.add_argument(
        "--task-values",
        metavar="FILE",
        default="",
        help='the values of other tasks, as JSON: {"task": {"key": value}} (default: none)',
    )


def _of_programs(command: argparse.ArgumentParser) -> None:
    shared = command.add_argument_group(
        "what another process holds on the warm engine", "for programs that run notebooks by this command"
    )
    shared.add_argument("--space", metavar="ID", default="", help="its catalogs (default: catalogs that go with the run)")
    shared.add_argument(
        "--files", metavar="FOLDER", default="", help="its dbfs and volumes (default: files that go with the run)"
    )
    shared.add_argument("--user", metavar="NAME", default=LOCAL_USER, help="who runs it (default: %(default)s)")
    shared.add_argument(
        "--principal", metavar="NAME", default="", help="to whom only what was granted there is open (default: all is open)"
    )
    warm = command.add_argument_group("many runs of one program")
    warm.add_argument(
        "--serve",
        action="store_true",
        help="stay, and run what standard input asks for, each in a process of its own; see docs/commands.md (default: no)",
    )
    warm.add_argument(
        "--kernels", metavar="FOLDER", default="", help="get warm once for all runs that name this folder (default: alone)"
    )


def _of_doctor(command: argparse.ArgumentParser) -> None:
    command.add_argument("--env", metavar="NAME", default="", help="look at this environment's workspace (default: at none)")
    _json(command, "lines")


def _of_explain(command: argparse.ArgumentParser) -> None:
    command.add_argument("code", metavar="CODE", help="its code, as NBH106")


def _of_spark(command: argparse.ArgumentParser) -> None:
    verbs = {
        "install": "fetch what it needs and prepare a fast start",
        "start": "start it, if it doesn't run",
        "status": "show whether it runs, and what it is",
        "stop": "end every engine of yours",
        "sql": "open a prompt for SQL on what was kept of a test",
        "drop": "drop what was kept of a test",
    }
    actions = command.add_subparsers(title="actions", metavar="ACTION", required=True, dest="action")
    for verb, text in verbs.items():
        action = _added(actions, verb, text)
        _json(action, "lines")
        if verb == "sql":
            action.add_argument("--space", metavar="ID", default="", help="what to look at (default: what was kept last)")
            action.add_argument("-c", dest="statement", metavar="SQL", default="", help="one statement (default: a prompt)")
        if verb == "drop":
            what = action.add_mutually_exclusive_group(required=True)
            what.add_argument(
                "names", metavar="NAME", nargs="*", default=[], help="a name that `nbh spark status` shows, or a test's"
            )
            what.add_argument(
                "--all", action="store_true", dest="every", help="everything that was kept (default: what is named)"
            )


def _of_sweep(command: argparse.ArgumentParser) -> None:
    _environment(command)
    command.add_argument("--dry-run", action="store_true", help="only say what would be removed (default: remove it)")
    command.add_argument("--yes", action="store_true", help="don't ask (default: at a terminal it is shown, and asked for)")
    command.add_argument(
        "--kept", action="store_true", help="what pytest --nbh-keep kept there too (default: only once its time has passed)"
    )
    _json(command, "lines")


def _of_record(command: argparse.ArgumentParser) -> None:
    _environment(command)
    command.add_argument("--output", metavar="FOLDER", default="contracts", help="where to write (default: %(default)s)")
    command.add_argument("--read-only", action="store_true", help="make nothing there (default: one folder and one schema)")
    _json(command, "lines")


def _of_rehearsal(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(title="actions", metavar="ACTION", required=True, dest="action")
    verbs = {
        "start": ("start it, if it doesn't run", None),
        "status": ("show whether it runs", None),
        "stop": ("end it", None),
        "env": ("write the lines by which a shell's tools sign in to it", _REHEARSAL_ENV),
    }
    for verb, (text, epilog) in verbs.items():
        _json(_added(actions, verb, text, epilog), "lines")


_COMMANDS: Mapping[str, tuple[str, str, Callable[[argparse.ArgumentParser], None]]] = {
    "list": ("show notebooks, their units, what each needs and which tests name it", _LIST, _of_list),
    "new-test": ("write a test file for a notebook, to be filled in", _NEW_TEST, _of_new_test),
    "run": ("run one notebook whole on this machine", _RUN, _of_run),
    "doctor": ("say what is installed, what clashes and how to mend it", _DOCTOR, _of_doctor),
    "explain": ("say what an error means, by its code", _EXPLAIN, _of_explain),
    "spark": ("start, show or end the warm Spark engine that tests run on", _SPARK, _of_spark),
    "sweep": ("remove from a workspace what killed runs left there", _SWEEP, _of_sweep),
    "record": ("write down what a workspace's answers are like, without anything of whose they are", _RECORD, _of_record),
    "rehearsal": ("start, show or end the workspace on this machine, or sign in to it", _REHEARSAL, _of_rehearsal),
}


class _Parser(argparse.ArgumentParser):
    """An argument parser that offers the near miss."""

    def error(self, message: str) -> NoReturn:
        wrong = message.rpartition(": ")[2].strip("'").split(" (choose")[0].strip("'").split(" ")[0]
        near = get_close_matches(wrong, self.known(), n=1)
        hint = f'; did you mean "{near[0]}"?' if near and near[0] != wrong else ""
        self.exit(WRONG_USE, f"{self.prog}: {message}{hint}\n  more:  {self.prog} --help\n")

    def known(self) -> list[str]:
        """Give all commands and options, those of the commands too."""
        found: list[str] = []
        for action in self._actions:
            found += action.option_strings
            if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001  # argparse has no public name for it
                found += action.choices
                for command in action.choices.values():
                    found += command.known()
        return found


class _Version(argparse.Action):
    """Show the version; the metadata is read only if it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"nbh {version('databricks-notebook-harness')}")
        parser.exit()
