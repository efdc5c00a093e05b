"""Draw the corpus report: what the notebooks are made of, how many of their units load and can be called, the rest by cause."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from benchmarks.probe import NEEDS
from benchmarks.watch import NOTEBOOK, OURS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Facts = dict[str, Any]

_PER_NOTEBOOK = (("0", 0), ("1", 1), ("2-5", 5), ("6-15", 15))


def failures(facts: Sequence[Facts]) -> list[str]:
    """Give what must never be: a crash, bytes that differ, a side effect of a notebook or of ours, a bare NameError."""
    found = []
    for fact in facts:
        found += [f"{_at(fact)}: crash: {crash}" for crash in fact["crashes"]]
        if fact.get("same bytes") is False:
            found.append(f"{_at(fact)}: written back differently")
        found += [
            f"{_at(fact)}: side effect of a {whose}: {event} {what} {place}"
            for whose, event, what, place in fact["effects"]
            if _is_fault(whose, event)
        ]
        found += [f"{_at(fact)}: {unit['name']}: {wrong}" for unit in fact["units"] for wrong in unit.get("bare", ())]
    return found


def report(facts: Sequence[Facts], *, examples: int = 3) -> Iterator[str]:
    """Give the report's lines."""
    units = [(fact, unit) for fact in facts for unit in fact["units"]]
    yield from _figures(facts, units)
    yield from _repositories(facts)
    yield from _formats(facts)
    yield from _parsing(facts)
    yield from _top_level(facts)
    yield from _functions(facts, units)
    yield from _runs(facts)
    yield from _counted("Decorators", (census["decorators"] for census in _censuses(facts)), 20)
    yield from _causes("Not loaded as what they are, by cause", _not_loaded(units), examples)
    yield from _causes(
        "Not callable with nothing given by hand, by cause (a unit may have several)", _not_callable(units), examples
    )
    yield from _causes("Packages that are not installed here, by the units that need them", _packages(units), examples)
    yield from _causes("Seen by the rough reader only, or by the harness only", _disagreements(units), examples)
    yield from _causes(
        "Problems reported",
        ((problem.split(" ")[0], f"{_at(fact)} {problem}") for fact in facts for problem in fact["problems"]),
        examples,
    )
    effects = (
        (f"{whose}: {event}", f"{_at(fact)} {what} {place}") for fact in facts for whose, event, what, place in fact["effects"]
    )
    yield from _causes("Side effects while reading and loading, by whose they are", effects, examples)
    yield from _causes(
        "Process state changed by loading", ((state, _at(fact)) for fact in facts for state in fact.get("state", ())), examples
    )
    wrong = failures(facts)
    yield from ("", f"## Must never be: {len(wrong)}", *wrong)


def _is_fault(whose: str, event: str) -> bool:
    """A library may warn where a notebook defines a class of its kind; that is told, but it is no act of the notebook's."""
    return whose == OURS or (whose == NOTEBOOK and event != "warning")


def _at(fact: Facts) -> str:
    return str(fact["path"])


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole} ({100 * part / whole:.1f} %)" if whole else "0/0"


def _figures(facts: Sequence[Facts], units: Sequence[tuple[Facts, Facts]]) -> Iterator[str]:
    read = [fact for fact in facts if "same bytes" in fact]
    loads = sum(unit["loads"] for _, unit in units)
    callable_ = sum(unit["callable"] for _, unit in units)
    without = [unit for _, unit in units if not unit.get("missing")]
    apart = sum(
        unit["loads"] and not unit.get("causes") and not unit["callable"] and bool(unit.get("missing")) for _, unit in units
    )
    yield f"{len(facts)} files"
    yield f"written back byte for byte: {_share(sum(fact['same bytes'] for fact in read), len(read))}"
    refusing = sum(unit["as"] == "stand-in whose definition failed" for _, unit in units)
    yield f"functions and classes that load as what they are: {_share(loads, len(units))}"
    yield f"  of these, stand-ins whose definition failed: {refusing}"
    yield f"callable with nothing given by hand: {_share(callable_, len(units))}"
    yield f"  the same without units that need a package which is not installed here: {_share(callable_, len(without))}"
    yield f"  the same if those that miss only packages counted as callable: {_share(callable_ + apart, len(units))}"
    effects = Counter(
        whose if event != "warning" else f"{whose} (a warning)" for fact in facts for whose, event, *_ in fact["effects"]
    )
    yield "side effects: " + (", ".join(f"{whose} {n}" for whose, n in effects.most_common()) or "none")
    yield f"crashes: {sum(len(fact['crashes']) for fact in facts)}"
    wrong = sum(len(unit.get("bare", ())) for _, unit in units)
    yield f"bare NameErrors, and names said to be undefined that are there: {wrong}"


def _repositories(facts: Sequence[Facts]) -> Iterator[str]:
    yield from (
        "",
        "## By folder",
        "",
        "| folder | files | units | load | callable | callable or only a package missing | effects | crashes |",
        "|---|---|---|---|---|---|---|---|",
    )
    groups: dict[str, list[Facts]] = defaultdict(list)
    for fact in facts:
        groups[str(fact.get("root", "")).rpartition("/")[2]].append(fact)
    for name, group in sorted(groups.items()):
        units = [unit for fact in group for unit in fact["units"]]
        either = sum(
            unit["callable"] or bool(unit["loads"] and unit.get("missing") and not unit.get("causes")) for unit in units
        )
        effects = sum(_is_fault(*effect[:2]) for fact in group for effect in fact["effects"])
        crashes = sum(len(fact["crashes"]) for fact in group)
        yield (
            f"| {name} | {len(group)} | {len(units)} | {_share(sum(unit['loads'] for unit in units), len(units))} "
            f"| {_share(sum(unit['callable'] for unit in units), len(units))} | {_share(either, len(units))} "
            f"| {effects} | {crashes} |"
        )


def _notebooks(facts: Iterable[Facts]) -> Iterator[Facts]:
    for fact in facts:
        if "kind" in fact:
            yield fact
        yield from fact.get("archive", ())


def _censuses(facts: Iterable[Facts]) -> Iterator[Facts]:
    return (fact["census"] for fact in facts if fact.get("census"))


def _formats(facts: Sequence[Facts]) -> Iterator[str]:
    yield from _counted("Formats", ([fact["kind"]] for fact in _notebooks(facts)), 20)
    yield from _counted("Magics", (fact["magics"] for fact in _notebooks(facts)), 25)


def _parsing(facts: Sequence[Facts]) -> Iterator[str]:
    total = Counter[str]()
    whole = some = unknown = 0
    for fact in _notebooks(facts):
        total.update(fact["parse"])
        unknown += fact["unknown cells"]
        if fact["parse"]:
            some += 1
            whole += not any(kind not in {"as is", "after magics"} for kind in fact["parse"])
    cells = sum(total.values())
    yield from ("", "## Python cells that parse", "", "| | cells |", "|---|---|")
    for kind, count in total.most_common(20):
        yield f"| {kind} | {_share(count, cells)} |"
    yield f"notebooks with Python whose cells all parse: {_share(whole, some)}; cells of unknown language: {unknown}"


def _top_level(facts: Sequence[Facts]) -> Iterator[str]:
    statements, notebooks = Counter[str](), Counter[str]()
    acting = defining = both = with_python = 0
    cells = mixed = 0
    quiet = {"import", "definition", "constant", "docstring"}
    for census in _censuses(facts):
        kinds = census["kinds"]
        statements.update(kinds)
        notebooks.update(kinds.keys())
        acts, defines = bool(kinds.keys() - quiet), bool(kinds.get("definition"))
        with_python += bool(kinds)
        acting += acts
        defining += defines
        both += acts and defines
        cells += census["defining cells"]
        mixed += census["defining cells with more"]
    yield from ("", "## Top level", "", "| statement | statements | notebooks |", "|---|---|---|")
    for kind, count in statements.most_common(20):
        yield f"| {kind} | {count} | {notebooks[kind]} |"
    yield f"notebooks that act at top level: {_share(acting, with_python)}"
    yield f"notebooks that define: {_share(defining, with_python)}; that do both: {both}"
    yield f"cells that define and do more: {_share(mixed, cells)}"


def _functions(facts: Sequence[Facts], units: Sequence[tuple[Facts, Facts]]) -> Iterator[str]:
    traits = Counter[str]()
    per = Counter[str]()
    functions = classes = 0
    for census in _censuses(facts):
        traits.update(census["traits"])
        functions += census["functions"]
        classes += census["classes"]
        traits["nested under if, try, with or a loop"] += census["nested"]
        traits["redefined names"] += census["redefined"]
        n = census["functions"]
        per[next((label for label, most in _PER_NOTEBOOK if n <= most), "more")] += 1
    yield from (
        "",
        "## Functions",
        "",
        f"{functions} functions, {classes} classes; functions per notebook: {dict(per)}",
        "",
        "| trait | functions |",
        "|---|---|",
    )
    for trait, count in traits.most_common():
        yield f"| {trait} | {_share(count, functions)} |"
    yield from ("", "| needs at most | units | cumulative |", "|---|---|---|")
    sofar = 0
    for level in NEEDS:
        count = sum(unit["needs"] == level for _, unit in units)
        sofar += count
        yield f"| {level} | {_share(count, len(units))} | {_share(sofar, len(units))} |"
    yield from _counted("What the loaded units are", ([unit["as"]] for _, unit in units), 20)


def _runs(facts: Sequence[Facts]) -> Iterator[str]:
    lines = [run for census in _censuses(facts) for run in census["runs"]]
    found = sum(run[1] != "missing" for run in lines)
    yield from _counted("%run", ([f"{form}, {target}"] for form, target, _ in lines), 20)
    yield f"resolved: {_share(found, len(lines))}; with parameters: {sum(run[2] != 'plain' for run in lines)}"


def _counted(title: str, counters: Iterable[Any], top: int) -> Iterator[str]:
    total = Counter[str]()
    for counter in counters:
        total.update(counter)
    yield from ("", f"## {title}", "", "| what | count |", "|---|---|")
    for name, count in total.most_common(top):
        yield f"| {name} | {count} |"
    if len(total) > top:
        yield f"| {len(total) - top} more kinds | {sum(total.values()) - sum(n for _, n in total.most_common(top))} |"


# Where the packages of the machine that measured lie says nothing to a reader.
_PACKAGES = re.compile(r"[^\s(]*[/\\]site-packages[/\\]")


def _causes(title: str, pairs: Iterable[tuple[str, str]], examples: int, top: int = 40) -> Iterator[str]:
    groups: dict[str, list[str]] = defaultdict(list)
    for cause, place in pairs:
        groups[_PACKAGES.sub("", cause)].append(place)
    yield from ("", f"## {title}: {sum(map(len, groups.values()))}", "")
    for cause, places in sorted(groups.items(), key=lambda item: -len(item[1]))[:top]:
        yield f"* {len(places)} x {cause}"
        yield from (f"    - {place}" for place in list(dict.fromkeys(places))[:examples])
    if len(groups) > top:
        yield f"* {len(groups) - top} more causes"


def _place(fact: Facts, unit: Facts) -> str:
    return f"{_at(fact)}:{unit['line']} {unit['name']}"


def _not_loaded(units: Iterable[tuple[Facts, Facts]]) -> Iterator[tuple[str, str]]:
    for fact, unit in units:
        if not unit["loads"]:
            yield unit["as"], f"{_place(fact, unit)} {unit['error'][:160]}"


def _not_callable(units: Iterable[tuple[Facts, Facts]]) -> Iterator[tuple[str, str]]:
    for fact, unit in units:
        for cause in unit.get("causes", ()):
            kind, _, detail = cause.partition(" | ")
            yield kind, f"{_place(fact, unit)} <- {detail}"


def _packages(units: Iterable[tuple[Facts, Facts]]) -> Iterator[tuple[str, str]]:
    for fact, unit in units:
        for cause in unit.get("missing", ()):
            package = cause.partition("No module named ")[2].partition(" ")[0].strip("'\"()").partition(".")[0]
            yield package or cause[:80], _place(fact, unit)


def _disagreements(units: Iterable[tuple[Facts, Facts]]) -> Iterator[tuple[str, str]]:
    for fact, unit in units:
        if unit["only loose"]:
            yield "rough reader only", _place(fact, unit)
        elif unit["only ours"]:
            yield "harness only", _place(fact, unit)
