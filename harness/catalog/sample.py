"""Sample rows for a schema: seeded, so that the same schema and seed give the same rows on every machine."""

from __future__ import annotations

import random
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from harness.errors import SampleDataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mimesis import Generic

_FIRST_DAY = date(2020, 1, 1)
_DAYS = 6 * 365
_BITS = {"byte": 8, "short": 16, "integer": 32, "long": 64}

# What a column's name tells of its values, as provider and method of the library; the first that fits.
_BY_NAME: tuple[tuple[str, str], ...] = (
    (r"e_?mail", "person.email"),
    (r"first_?name", "person.first_name"),
    (r"(last|sur|family)_?name", "person.last_name"),
    (r"user_?name|login", "person.username"),
    (r"company|firm", "finance.company"),
    (r"phone|msisdn|mobile", "person.phone_number"),
    (r"city|town", "address.city"),
    (r"country", "address.country_code"),
    (r"(post|zip).*", "address.postal_code"),
    (r"street|address", "address.address"),
    (r"url|website", "internet.url"),
    (r"ip(_?address)?", "internet.ip_v4"),
    (r"currency", "finance.currency_iso_code"),
    (r"(comment|text|note|description)s?", "text.sentence"),
    (r"name", "person.full_name"),
)


def sample_rows(schema: Mapping[str, Any], count: int, *, seed: int = 0, null_fraction: float = 0.1) -> list[tuple[Any, ...]]:
    """Make rows for a schema, given as Spark writes it in JSON.

    Columns named ``id`` or ``…_id`` of a whole-number type count from 1 and are never null, so that tables can be joined. Texts
    follow the column's name where it tells something (``email``, ``city``, …).

    Raises:
        SampleDataError: the library isn't installed, the number or fraction makes no sense, or a type has no sample.
    """
    if count < 0 or not 0 <= null_fraction <= 1:
        raise SampleDataError(
            "these rows can't be generated",
            cause=f"{count} rows with a share of {null_fraction} nulls were asked for",
            mend="give a number from 0 on, and a share from 0 to 1",
        )
    makers = [_column(field, seed=seed, null_fraction=null_fraction) for field in schema["fields"]]
    return [tuple(make(number) for make in makers) for number in range(1, count + 1)]


def _column(field: Mapping[str, Any], *, seed: int, null_fraction: float) -> Callable[[int], Any]:
    """A maker of one column's values; each column has a source of chance of its own, so that a new one changes no other."""
    name, kind = str(field["name"]), field["type"]
    if isinstance(kind, str) and kind in _BITS and re.fullmatch(r"(.*_)?id", name.lower()):
        limit = 2 ** (_BITS[kind] - 1) - 1
        return lambda number: (number - 1) % limit + 1
    source = _Source(f"{seed}/{name}", null_fraction)
    make = source.maker(name, _told(field), bool(field["nullable"]))
    return lambda _number: make()


def _told(field: Mapping[str, Any]) -> Any:
    """The type, with the length that Spark keeps beside a text's type."""
    return field.get("metadata", {}).get("__CHAR_VARCHAR_TYPE_STRING", field["type"])


class _Source:
    """Values by chance, for one column."""

    def __init__(self, seed: str, null_fraction: float) -> None:
        self.random = random.Random(seed)  # noqa: S311 -- sample data, no secret
        self.seed = seed
        self.null_fraction = null_fraction

    def maker(self, name: str, kind: Any, nullable: bool) -> Callable[[], Any]:  # noqa: FBT001 -- called as the schema has it
        make = self.nested(name, kind) if isinstance(kind, dict) else self.plain(name, kind)
        if not nullable or not self.null_fraction:
            return make
        return lambda: None if self.random.random() < self.null_fraction else make()

    def nested(self, name: str, kind: Mapping[str, Any]) -> Callable[[], Any]:
        match kind["type"]:
            case "array":
                item = self.maker(name, kind["elementType"], kind["containsNull"])
                return lambda: [item() for _ in range(self.random.randint(0, 3))]
            case "map":
                key = self.maker("key", kind["keyType"], nullable=False)
                value = self.maker("value", kind["valueType"], kind["valueContainsNull"])
                return lambda: {key(): value() for _ in range(self.random.randint(0, 3))}
            case "struct":
                fields = {field["name"]: self.maker(field["name"], _told(field), field["nullable"]) for field in kind["fields"]}
                return lambda: {field: make() for field, make in fields.items()}
        raise _no_sample(name, kind["type"])

    def plain(self, name: str, kind: str) -> Callable[[], Any]:
        chance = self.random
        word, _, inside = kind.partition("(")
        numbers = [int(number) for number in re.findall(r"-?\d+", inside)]
        if word in _BITS:
            top = 2 ** (min(_BITS[word], 17) - 1) - 1  # numbers that people can read
            return lambda: chance.randint(0, top)
        if word in {"string", "varchar", "char"}:
            return self.text(name, numbers[0] if numbers else 0)
        if word == "decimal":
            precision, scale = numbers or [10, 0]
            digits = min(precision, max(scale + 4, 5))
            return lambda: Decimal(chance.randint(0, 10**digits - 1)).scaleb(-scale)
        if word.startswith("interval day") or word in {"interval hour", "interval minute", "interval second"}:
            return lambda: timedelta(seconds=chance.randint(0, 86400 * 30))
        simple: dict[str, Callable[[], Any]] = {
            "boolean": lambda: chance.random() < 0.5,  # noqa: PLR2004 -- as often true as false
            "float": lambda: float(chance.randint(0, 1000)) / 4,  # exact in so few bits
            "double": lambda: round(chance.uniform(0, 1000), 2),
            "binary": lambda: chance.randbytes(8),
            "date": lambda: _FIRST_DAY + timedelta(days=chance.randrange(_DAYS)),
            "timestamp": lambda: self.moment().replace(tzinfo=UTC),
            "timestamp_ntz": self.moment,
            "void": lambda: None,
        }
        if word not in simple:
            raise _no_sample(name, kind)
        return simple[word]

    def moment(self) -> datetime:
        day = _FIRST_DAY + timedelta(days=self.random.randrange(_DAYS))
        return datetime(day.year, day.month, day.day) + timedelta(seconds=self.random.randrange(86400))  # noqa: DTZ001 -- of no zone

    def text(self, name: str, longest: int) -> Callable[[], str]:
        told = next((maker for pattern, maker in _BY_NAME if re.search(rf"(^|_)({pattern})($|_)", name.lower())), "text.word")
        make = attrgetter(told)(_generic(self.seed))
        if told == "person.email":
            make = partial(make, domains=("example.com", "example.org"))  # nobody's, whatever is done with them
        return (lambda: str(make())[:longest]) if longest else lambda: str(make())


def _generic(seed: str) -> Generic:
    try:
        from mimesis import Generic
    except ImportError as exc:
        raise SampleDataError(
            "generate= needs mimesis",
            cause="it is not installed in this Python",
            mend='pip install "databricks-notebook-harness[local]"',
        ) from exc
    return Generic(seed=seed)


def _no_sample(name: str, kind: str) -> SampleDataError:
    return SampleDataError(
        f"the column {name!r} can't be generated",
        cause=f"there is no sample for the type {kind}",
        mend="make the table by rows=… or ctas=…, or leave the column out",
    )
