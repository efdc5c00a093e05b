"""``nbh new-test``: a test file for a notebook that runs as it is and says what to fill in."""

from __future__ import annotations

import ast
import json
import os
import re
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.commands.project import is_rootdir, project_of, root_of
from harness.commands.reader import Reader
from harness.errors import SettingsError
from harness.extract.inventory import definitions, import_name, list_notebook, name_needs, names_from_outside
from harness.extract.kinds import HELD, INJECTED, RUN, SQLDF
from harness.extract.need import Outline
from harness.extract.run import flatten
from harness.extract.widget_names import dbutils_use, widget_defaults
from harness.model import Location

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.commands.project import Project
    from harness.extract.build import Extract
    from harness.extract.inventory import Unit

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_FRAME = 'spark.createDataFrame([(1, "a")], "id int, name string")'
_FIXTURES = ("spark", "dbutils", "display", "displayHTML")
# Names that the test file itself uses: a unit or an argument of that name goes another way.
_COMPARE = "assert_table_equal"
_TAKEN = frozenset({"pytest", "asyncio", "notebook", "units", "answer", "made", "NOTEBOOK", _COMPARE, *_FIXTURES})
_LINE = 88


@dataclass(frozen=True, slots=True)
class Done:
    """Whether the file was written, and what to tell about it."""

    is_written: bool
    text: str


@dataclass(frozen=True, slots=True)
class _Notebook:
    """What drafts are made from; ``defaults`` are its widgets with theirs."""

    source: Extract
    outline: Outline
    defaults: dict[str, str]


@dataclass(slots=True)
class _Draft:
    """One test to be: what it asks for, what must be filled in, and the lines that do it."""

    name: str
    about: str
    missing: list[str]
    given: list[str]
    call: str
    passed: list[str]
    check: str
    fixtures: list[str] = field(default_factory=list)
    widgets: dict[str, str] = field(default_factory=dict)


def write_test(notebook: str, *, output: str | None, force: bool, current: str) -> Done:
    """Write a test file for a notebook.

    Raises:
        NotebookError: The notebook can't be read.
        SettingsError: The file's folder can't be made or written to, or the project's settings are wrong.
    """
    path = os.path.normpath(os.path.join(current, notebook))
    root = root_of([path], current=current)
    project = project_of(path, root)
    target = os.path.normpath(os.path.join(current, output)) if output else _default_output(path, project)
    shown = os.path.relpath(target, current).replace(os.sep, "/")
    if os.path.exists(target) and not force:
        return Done(
            is_written=False,
            text=f"{shown}: the file is there already, and is left as it is\n"
            "  mend:  give another by --output, or write over it with --force",
        )
    module = _module(path, target, project)
    text, tests = draft_tests(path, project, module=module, root=root)
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as exc:
        raise SettingsError(
            "the test file can't be written",
            cause=f"{exc.strerror or exc}".lower(),
            mend="give another place by --output",
            location=Location(shown),
        ) from exc
    lines = [f"{shown}: 1 test passes, {tests - 1} to fill in", f"  run:   pytest {shown}"]
    if not tests - 1:
        lines.append("  note:  the notebook has nothing to test by itself yet: put what it computes into functions")
    if not project.is_test_file(target):
        lines.append(f"  note:  pytest finds it only if it is named: python_files is {' '.join(project.python_files)}")
    if not module and import_name(path, project.roots_for(path))[0]:
        lines.append(
            '  note:  pythonpath = ["."] under [tool.pytest.ini_options] would let tests import the notebook by its name'
        )
    return Done(is_written=True, text="\n".join(lines))


def _default_output(path: str, project: Project) -> str:
    """Give test_NAME.py in the nearest folder of tests, named as python_files wants it."""
    stem = _snake(os.path.splitext(os.path.basename(path))[0])
    pattern = next((p for p in project.python_files if p.count("*") == 1 and "/" not in p), "test_*.py")
    name = pattern.replace("*", stem)
    for folder in _upward(os.path.dirname(path), project.folder):
        tests = os.path.join(folder, "tests")
        if os.path.isdir(tests) and project.is_test_file(os.path.join(tests, name)):
            return os.path.join(tests, name)
    return os.path.join(project.testpaths[0] if project.testpaths else os.path.join(project.folder, "tests"), name)


def _module(path: str, target: str, project: Project) -> str:
    """Give the name that the test file can import the notebook by; "" where pytest has no such folder on its path."""
    if not project.roots_for(path):
        return ""
    on_path = [root for root in project.roots if root != project.folder]
    folder = os.path.dirname(target)
    on_path.append(_base(folder))
    conftests = [at for at in _upward(folder, project.folder) if os.path.isfile(os.path.join(at, "conftest.py"))]
    on_path += map(_base, conftests)
    if project.folder in project.pythonpath or (project.folder in project.claimed and is_rootdir(project.folder)):
        on_path.append(project.folder)
    return import_name(path, on_path)[0]


def _upward(folder: str, top: str) -> Iterator[str]:
    """Give a folder and those above it, up to and with the top one; none where it doesn't lie below that."""
    below = os.path.relpath(folder, top)
    if not below.startswith(os.pardir):
        yield folder
        if below != os.curdir:
            yield from _upward(os.path.dirname(folder), top)


def _base(folder: str) -> str:
    """Give the folder that pytest puts on the path for a file in this one."""
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder = os.path.dirname(folder)
    return folder


def draft_tests(path: str, project: Project, *, module: str, root: str) -> tuple[str, int]:
    """Give a test file's text and how many tests it has; ``module`` is the notebook's name for imports, "" if it has none.

    Raises:
        NotebookError: The notebook can't be read.
    """
    loader = Reader(root)
    listed = list_notebook(path, loader, roots=project.roots)
    source = loader.extract(path)
    entries, _ = flatten(source, read=loader.extract, find=loader.find, why=loader.why_missing)
    outline = Outline(entries)
    shown = os.path.relpath(path, project.folder).replace(os.sep, "/")
    stem = _snake(os.path.splitext(os.path.basename(path))[0])
    used = {f"test_{stem}_loads"}
    of = _Notebook(source, outline, widget_defaults(outline))
    own = {id(entry.row): index for index, entry in enumerate(entries)}
    at = {name: own[id(source.rows[row])] for name, _, _, _, row in definitions(source)}
    titles = [unit.name for unit in listed.units if unit.kind == "cell"]
    drafts: list[_Draft] = []
    imports: list[str] = []
    for unit in listed.units:
        if unit.kind == "cell":
            indexes = [i for i, e in enumerate(entries) if e.source is source and e.row.cell == unit.cell and e.row.kind != RUN]
            draft = _cell(unit, indexes, of, repeated=titles.count(unit.name) > 1)
            if draft is None:
                continue
        else:
            entry = entries[at[unit.name]]
            node = outline.definition(entry, unit.name)
            imported = (
                bool(module) and not _values(unit) and unit.name not in _TAKEN and not unit.name.lower().startswith("test")
            )
            if imported:
                imports.append(unit.name)
            draft = _unit(unit, node, of, imported=imported)
        draft.name = _unique(draft.name, used)
        drafts.append(draft)
    # A name that gets another value later (f = udf(f)) is worked out when it is asked for.
    later = {name for i, e in enumerate(entries) if e.row.kind == HELD for name in e.row.binds if i > at.get(name, i)}
    names = [unit.name for unit in listed.units if unit.kind != "cell" and unit.name not in later]
    return _render(shown, stem, module=module, imports=imports, names=names, drafts=drafts), len(drafts) + 1


def _values(unit: Unit) -> dict[str, str]:
    """Give the names that a test must give by hand, each with the reason."""
    found = {}
    for need in unit.needs:
        computed = re.match(r"computed (\S+) \((cell \d+)\): (.*)", need)
        if computed:
            found[computed[1]] = f"{computed[2]} {computed[3]}"
        elif need.startswith("unresolved "):
            name = need.removeprefix("unresolved ")
            found[name] = "what the SQL cell before gives" if name == SQLDF else "defined nowhere in the notebook"
    return found


def _unit(unit: Unit, node: ast.stmt | None, of: _Notebook, *, imported: bool) -> _Draft:
    function = _constructor(node) if isinstance(node, ast.ClassDef) else node if isinstance(node, _Function) else None
    arguments = _arguments(function, is_method=isinstance(node, ast.ClassDef))
    values = _values(unit)
    fixtures = [need for need in unit.needs if need in _FIXTURES]
    given, passed, missing = [], [], []
    for argument, frame in arguments:
        name = argument.arg
        keyword = argument in (function.args.kwonlyargs if function is not None else ())
        if name in _FIXTURES:
            fixtures.append(name)
            passed.append(f"{name}={name}" if keyword else name)
            continue
        variable = f"{name}_" if name in _TAKEN or name == unit.name else name
        missing.append(name)
        note = f"  # {ast.unparse(argument.annotation)}" if argument.annotation is not None and not frame else ""
        given.append(f"{variable} = {_FRAME if frame else '...'}{note}")
        fixtures += ["spark"] * frame
        passed.append(f"{name}={variable}" if keyword else variable)
    call = unit.name
    if not imported:
        fixtures.append("notebook")
        given += _load(values)
        missing += list(values)
        call = f"units.{unit.name}"
    call += ".func" if _is_udf(node) else ""
    if isinstance(node, ast.AsyncFunctionDef):
        call, passed = "asyncio.run", [f"{call}({', '.join(passed)})"]
    widgets = dbutils_use(of.outline, [(of.source, node)]).widgets if node is not None and "widget" in unit.needs else ()
    is_class = unit.kind == "class"
    gives_frame = isinstance(node, _Function) and node.returns is not None and _is_frame(ast.unparse(node.returns))
    equal = f"{_COMPARE}(answer, ...)" if gives_frame else f"assert {'made' if is_class else 'answer'} == ..."
    return _Draft(
        f"test_{_snake(unit.name)}",
        f"Say here what {unit.name} should do.",
        [*missing, f"what {unit.name} {'makes' if is_class else 'gives back'}"],
        given,
        f"{'made' if is_class else 'answer'} = {call}",
        passed,
        equal,
        fixtures,
        {name: of.defaults.get(name, "") for name in widgets},
    )


def _cell(unit: Unit, indexes: list[int], of: _Notebook, *, repeated: bool) -> _Draft | None:
    """Draft a test of a cell; None for one that takes or makes nothing that a test could give or check."""
    outline, defaults = of.outline, of.defaults
    held = [outline.entries[index] for index in indexes if outline.entries[index].row.kind == HELD]
    binds = list(dict.fromkeys(name for entry in held for name in entry.row.binds if name.isidentifier()))
    # What the notebook works out from widgets and constants needn't be given; what comes from data must be.
    inputs = [
        name
        for name in names_from_outside(outline, indexes)
        if name not in INJECTED
        and any(need != "widget" for need in name_needs(outline, name, indexes[0]))
        and _is_value(outline, name, indexes[0])
    ]
    if not binds or not inputs:
        return None
    key = str(unit.cell) if repeated or unit.name == f"cell {unit.cell}" else _text(unit.name)
    fixtures = [need for need in unit.needs if need in _FIXTURES]
    reasons = {name: reason for name, reason in _values(unit).items() if name not in inputs}
    widgets = dbutils_use(outline, [(entry.source, entry.source.node(entry.row)) for entry in held]).widgets
    given = [f"{name if name not in _TAKEN else name + '_'} = ..." for name in inputs]
    passed = [f"{name}={name if name not in _TAKEN else name + '_'}" for name in inputs]
    label = f'the cell "{unit.name}"' if unit.name != f"cell {unit.cell}" else unit.name
    return _Draft(
        f"test_cell_{_snake(unit.name.removeprefix('cell '))}",
        f"Say here what {_quiet(label)} should make.",
        [*inputs, *reasons, "what the cell makes"],
        [*given, *_load(reasons)],
        f"made = units.cell({key}).execute",
        passed,
        f"assert made.{binds[-1]} == ...",
        [*fixtures, "notebook"],
        {name: defaults.get(name, "") for name in widgets},
    )


def _is_value(outline: Outline, name: str, before: int) -> bool:
    at = outline.binder(name, before)
    return at is not None and outline.entries[at].row.kind == HELD


def _load(values: dict[str, str]) -> Iterator[str]:
    """Give the lines that load the notebook, with the values it doesn't compute in a test."""
    if not values:
        yield "units = notebook(NOTEBOOK)"
        return
    yield "units = notebook("
    yield "    NOTEBOOK,"
    yield "    values={"
    for name, reason in values.items():
        yield f"        {_text(name)}: ...,  # {_quiet(reason)}"
    yield "    },"
    yield ")"


def _arguments(node: _Function | None, *, is_method: bool) -> list[tuple[ast.arg, bool]]:
    """Give the arguments that a call can't leave out, and whether each is a Spark DataFrame."""
    if node is None:
        return []
    positional = [*node.args.posonlyargs, *node.args.args]
    needed = positional[: len(positional) - len(node.args.defaults)][1 if is_method else 0 :]
    needed += [arg for arg, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if default is None]
    return [(arg, arg.annotation is not None and _is_frame(ast.unparse(arg.annotation))) for arg in needed]


def _is_frame(annotation: str) -> bool:
    return annotation.strip("'\"") in {"DataFrame", "SparkDataFrame", "sql.DataFrame", "pyspark.sql.DataFrame"}


def _is_udf(node: ast.stmt | None) -> bool:
    """Whether a decorator makes it a function of columns, whose plain one is its ``func``."""
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    names = [ast.unparse(one.func if isinstance(one, ast.Call) else one).rpartition(".")[2] for one in decorators]
    return names[:1] in (["udf"], ["pandas_udf"])


def _constructor(node: ast.ClassDef) -> _Function | None:
    return next((part for part in node.body if isinstance(part, _Function) and part.name == "__init__"), None)


def _render(
    shown: str, stem: str, *, module: str, imports: Sequence[str], names: Sequence[str], drafts: Sequence[_Draft]
) -> str:
    lines = [f'"""Tests of {_quiet(shown)}: where one says "fill in", write what is given and what should come back."""', ""]
    lines += ["from __future__ import annotations", ""]
    if any("asyncio.run" in draft.call for draft in drafts):
        lines += ["import asyncio", ""]
    own = _wrapped(f"from {module} import ", sorted(imports, key=_import_order), "(", ")") if imports else []
    third = {"harness": [f"from harness import {_COMPARE}"]} if any(_COMPARE in draft.check for draft in drafts) else {}
    third |= {"pytest": ["import pytest"]} if drafts else {}
    blocks = [[line for lines in third.values() for line in lines], own]
    if shown.endswith(".ipynb"):  # import sorters look for a .py, find none, and take it for a package of somebody else's
        blocks = [[line for _, lines in sorted({**third, module: own}.items()) for line in lines]]
    for block in filter(None, blocks):
        lines += [*block, ""]
    lines += [f"NOTEBOOK = {_text(shown)}", "", ""]
    lines += [
        f"def test_{stem}_loads(notebook):",
        '    """The notebook loads without being run, and has what is tested here."""',
    ]
    lines += ["    units = notebook(NOTEBOOK)", ""]
    if names:
        lines += [
            *(f"    {line}" for line in _wrapped("expected = ", [_text(n) for n in sorted(names)], "{", "}", always=True))
        ]
        lines += ["    assert expected <= set(dir(units))"]
    else:
        lines += ["    assert units is not None"]
    for draft in drafts:
        lines += ["", "", *_test(draft)]
    return "\n".join(lines) + "\n"


def _test(draft: _Draft) -> Iterator[str]:
    if draft.widgets:
        plain = all(name.isidentifier() for name in draft.widgets)
        parts = [
            f"{name}={_text(value)}" if plain else f"{_text(name)}: {_text(value)}" for name, value in draft.widgets.items()
        ]
        around = ("(", ")") if plain else ("(**{", "})")
        yield from _wrapped("@pytest.mark.nbh_widgets", parts, *around, always=True)
    yield f"def {draft.name}({', '.join(dict.fromkeys(draft.fixtures))}):"
    yield f'    """{draft.about}"""'
    what = f"{', '.join(draft.missing[:-1])}, and {draft.missing[-1]}" if draft.missing[1:] else draft.missing[0]
    line = f"    pytest.fail({_text('fill in: ' + what)}, pytrace=False)"
    if len(line) <= _LINE:
        yield line
    else:
        yield "    pytest.fail("
        *parts, last = textwrap.wrap("fill in: " + what, _LINE - 12, drop_whitespace=False, break_long_words=False)
        yield from (f"        {_text(part)}" for part in parts)
        yield f"        {_text(last)},"
        yield "        pytrace=False,"
        yield "    )"
    yield from (f"    {line}" for line in draft.given)
    if draft.given:
        yield ""
    yield from (f"    {line}" for line in _wrapped(draft.call, draft.passed, "(", ")", always=True))
    yield ""
    yield f"    {draft.check}"


def _wrapped(start: str, parts: Sequence[str], opening: str, closing: str, *, always: bool = False) -> list[str]:
    """Write a list in one line if it fits, else an item a line; ``always`` puts the brackets around a short one too."""
    short = start + (opening if always else "") + ", ".join(parts) + (closing if always else "")
    if len(short) <= _LINE - 4:
        return [short]
    return [start + opening, *(f"    {part}," for part in parts), closing]


def _import_order(name: str) -> tuple[int, str]:
    """Sort as import sorters do: constants, classes, then the rest."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2), name


def _snake(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"\W+", "_", words).strip("_").lower() or "notebook"


def _unique(name: str, used: set[str]) -> str:
    found, number = name, 1
    while found in used:
        number += 1
        found = f"{name}_{number}"
    used.add(found)
    return found


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _quiet(text: str) -> str:
    """Make a text fit for a docstring or a comment."""
    return "".join(c if c.isprintable() else " " for c in text.replace("\\", "/").replace('"""', "'''"))
