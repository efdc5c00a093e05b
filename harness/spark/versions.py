"""Which pyspark, Delta and Java fit each other, which Databricks runtime each is nearest to, and what that leaves different."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Jar:
    """One jar of Maven's: where it belongs and what it must be."""

    organisation: str
    name: str
    revision: str
    sha256: str
    size_bytes: int

    @property
    def file(self) -> str:
        """Its file name."""
        return f"{self.name}-{self.revision}.jar"


@dataclass(frozen=True, slots=True)
class Fit:
    """A Spark that was tried with these: ``spark`` is "4.2", ``runtime`` the Databricks runtime that it is nearest to."""

    spark: str
    delta: str
    java: tuple[int, ...]
    runtime: str
    jars: tuple[Jar, ...]


@dataclass(frozen=True, slots=True)
class Runtime:
    """A Databricks runtime: what can be set here to be like it, and what stays different."""

    name: str
    spark: str
    python: tuple[int, int]
    conf: Mapping[str, str] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()

    def gaps_to(self, python: tuple[int, int]) -> list[str]:
        """What stays different, for notebooks that are run by this Python."""
        here, there = (".".join(map(str, version)) for version in (python, self.python))
        newer = f"this Python is {here}, and {there} there: syntax and modules that {here} adds work here and not there"
        older = f"this Python is {here}, and {there} there: what needs {there} fails here"
        return [*self.gaps, *([newer] if python > self.python else [older] if python < self.python else [])]


_DELTA_44 = (
    Jar(
        "io.delta", "delta-spark_4.2_2.13", "4.4.0", "27d4fd8b1f879535c573ed1c718177d6a27f24d3e626ba02e216369725721ead", 9515916
    ),
    Jar("io.delta", "delta-storage", "4.4.0", "c46735481fa8e326b0957be02b4420cbcab4b325bb08009b7f2045a95133f1cc", 113863),
    Jar("io.delta", "delta-kernel-api", "4.4.0", "ee9b5a14ac3b7efdff4d61a58478fe8eb0e5a3fbca43889dca7290795fe79a11", 2838619),
    Jar(
        "io.delta", "delta-kernel-defaults", "4.4.0", "225c975199e4718b38ee5b7e6da7f19e9585024262b2cec2656b32151a856b0b", 227185
    ),
    Jar(
        "io.delta",
        "delta-kernel-unitycatalog",
        "4.4.0",
        "cea22dfb4ac562b3cd27bf652697750e8336009d73fb06631363aaaad5345ffa",
        43048,
    ),
    Jar(
        "io.unitycatalog",
        "unitycatalog-client",
        "0.6.0",
        "48257499a86b801a3e2372cec55ac226ca1c1c7eabe5c118e7302f29a1fdbc19",
        564136,
    ),
    Jar(
        "io.unitycatalog",
        "unitycatalog-hadoop",
        "0.6.0",
        "c47b63c961c87102b9e1d63809a0915ba4c86b7652f57c8d39ca3a05b441a150",
        78389,
    ),
)

FITS = (Fit("4.2", "4.4.0", (17, 21), "17.3", _DELTA_44),)
"""What was tried together; a Spark that isn't here is used as it is, without Delta."""

_NEWER = "this Spark is newer: functions and syntax that it adds work here and not there"
_OWN = "Databricks' own: Photon, AI functions, row filters and column masks, DLT, Auto Loader"

RUNTIMES = {
    "16.4": Runtime(
        "16.4",
        "3.5",
        (3, 12),
        {"spark.sql.ansi.enabled": "false", "spark.sql.session.timeZone": "Etc/UTC"},
        (
            _NEWER,
            _OWN,
            "errors have the names and texts of this Spark, not those of Spark 3.5",
            "SQL warehouses of that runtime do use ANSI mode; set it in the test where the notebook runs there",
        ),
    ),
    "17.3": Runtime(
        "17.3",
        "4.0",
        (3, 12),
        {"spark.sql.ansi.enabled": "true", "spark.sql.session.timeZone": "Etc/UTC"},
        (_NEWER, _OWN),
    ),
}
"""What ``runtime = "…"`` in the settings may say."""


_BESIDE = (((15, 4), "4.2.1"),)
"""The pyspark that an engine is made of beside databricks-connect, with the oldest of its versions that it is taken for.

Tried were 16.4, 17.3 and 19.3; 15.4 and 16.1, for Python 3.11, hold a client of the same Spark 3.5 as 16.4.
"""


def spark_beside(connect: str) -> str | None:
    """The pyspark that goes with a databricks-connect as its client; None if it is older than those."""
    number = tuple(int(part) for part in connect.split(".")[:2] if part.isdigit())
    return next((pyspark for oldest, pyspark in _BESIDE if number >= oldest), None)


def fit_of(pyspark: str) -> Fit | None:
    """What fits an installed pyspark; None if it wasn't tried."""
    line = ".".join(pyspark.split(".")[:2])
    return next((fit for fit in FITS if fit.spark == line), None)


def runtime_of(name: str, pyspark: str) -> Runtime | None:
    """The runtime that Spark is to stand for: the one asked for, else the one nearest to this pyspark."""
    fit = fit_of(pyspark)
    return RUNTIMES.get(name or (fit.runtime if fit else ""))
