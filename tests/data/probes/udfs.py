# Python that runs on Spark's workers.
import datetime
import decimal
import math
from typing import Iterator, Tuple

import pandas as pd
import pyarrow as pa
from pyspark.sql import Row, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

base = spark.sql("select cast(id as int) as i, if(id = 1, null, concat('s', id)) as s, id * 0.5D as d, array(id) as a, id % 2 as g from range(0, 4, 1, 1)")
nothing = base.where("i > 99")


def helper(n):
    return math.floor(n) * 2


@F.udf("int")
def doubled(n):
    return helper(n)


@F.udf
def named(s, n=3):
    return None if s is None else s * 2


@F.udf("struct<x: int, y: array<string>>")
def parts(n):
    return Row(x=n, y=[str(n)] * n)


@F.udf("int")
def wrong_type(n):
    return "text"


@F.udf("string")
def number_as_text(n):
    return n + 0.5


@F.udf("double")
def whole_as_double(n):
    return n


@F.udf("int")
def fails(n):
    if n == 2:
        raise ValueError(f"bad {n}")
    return n


@F.udf("timestamp")
def later(n):
    return datetime.datetime(2024, 3, 31, n)


@F.udf("decimal(10, 2)")
def money(n):
    return decimal.Decimal(n) / 3


@F.udf("map<string, date>")
def mapped(n):
    return {str(n): datetime.date(2024, 1, n + 1), "none": None}


@F.udf("string")
def told(*values):
    return ",".join(f"{type(v).__name__}={v!r}" for v in values)


@F.udf("boolean")
def chain(n):
    return n is not None and n > 2


@F.udf("int", useArrow=True)
def arrowed(n):
    return n + 1


@F.udf("string", useArrow=True)
def arrow_told(*values):
    return ",".join(f"{type(v).__name__}={v!r}" for v in values)


@F.pandas_udf("long")
def plus_one(n: pd.Series) -> pd.Series:
    return n + 1


@F.pandas_udf("double")
def mean_of(n: pd.Series) -> float:
    return n.mean()


@F.pandas_udf("long")
def by_batches(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
    for batch in batches:
        yield batch * 3


@F.pandas_udf("long")
def two(batches: Iterator[Tuple[pd.Series, pd.Series]]) -> Iterator[pd.Series]:
    for a, b in batches:
        yield a + b


@F.pandas_udf("long")
def too_short(n: pd.Series) -> pd.Series:
    return n[:-1]


@F.pandas_udf("string")
def kind_of(n: pd.Series) -> pd.Series:
    return pd.Series([f"{n.dtype} {type(v).__name__}" for v in n])


@F.pandas_udf("a int, b string")
def frame_of(n: pd.Series) -> pd.DataFrame:
    return pd.DataFrame({"a": n, "b": n.astype(str)})


@F.arrow_udf("long")
def arrow_plus(n: pa.Array) -> pa.Array:
    return pa.compute.add(n, 1)


@F.udtf(returnType="n int, s string")
class Counts:
    def eval(self, n: int):
        for k in range(n):
            yield k, "x" * k


@F.udtf(returnType="total int")
class Total:
    def __init__(self):
        self.total = 0

    def eval(self, row: Row):
        self.total += row["i"]

    def terminate(self):
        yield (self.total,)


@F.udtf(returnType="a int")
class Wrong:
    def eval(self, n: int):
        yield 1, 2


_ = spark.udf.register("doubled", doubled)
_ = spark.udf.register("plus_one", plus_one)
_ = spark.udf.register("shout", lambda s: s.upper() + "!" if s else None)
_ = spark.udtf.register("counts", Counts)
_ = spark.udtf.register("total", Total)

base.select("i", doubled("i"), named("s"), parts("i"), later("i"), money("i"), mapped("i"))
base.select(wrong_type("i"), number_as_text("i"), whole_as_double("i"))
base.select(fails("i"))
base.select(doubled("s"))
base.select(told("i", "s", "d", "a", F.struct("i", "s"), F.create_map("i", "s"), F.lit(None), F.current_date() < "2020-01-01", F.lit(1.5).cast("decimal(5,2)"), F.lit(b"x"), F.to_date(F.lit("2024-01-01")), F.to_timestamp(F.lit("2024-07-01 12:00:00")), F.expr("interval 1 day")))
base.select(arrow_told("i", "s", "d", "a", F.struct("i", "s"), F.create_map("i", "s"), F.lit(1.5).cast("decimal(5,2)"), F.lit(b"x"), F.to_date(F.lit("2024-01-01")), F.to_timestamp(F.lit("2024-07-01 12:00:00")), F.expr("interval 1 day")))
base.where(chain("i")), base.where(chain(doubled("i"))).select("i"), base.groupBy(doubled("i")).count().orderBy("count", "doubled(i)"), base.select(doubled(doubled("i") + 1)), nothing.select(doubled("i"))
base.select(arrowed("i"), F.sum("i").over(Window.orderBy("i")))
base.select(F.udf(lambda x: x, "array<long>")("a"), F.udf(lambda: 5, "int")(), F.udf(lambda x: None, "int")("i"), F.udf(lambda s: len(s) if s else -1, T.LongType())("s"))
base.select(F.udf(lambda x: 1 / x, "double")("i"))
base.select(F.udf(lambda x: x, "nope")("i"))
base.select(F.udf(lambda x: x, "int")("nope"))
base.select(F.udf(lambda x: {"a": 1}, "struct<a: int, b: int>")("i"), F.udf(lambda x: (1, 2), "struct<a: int, b: int>")("i"), F.udf(lambda x: [1, "x"], "array<int>")("i"), F.udf(lambda x: 2**40, "int")("i"), F.udf(lambda x: float("nan"), "float")("i"))
base.select(F.udf(lambda x: (1,), "struct<a: int, b: int>")("i"))
base.select(F.udf(lambda x: __import__("sys").exit(3), "int")("i"))
base.select(F.udf(lambda x: int(__import__("os").environ.get("NOPE", "7")), "int")("i")).first(), base.select(F.udf(lambda x: str(datetime.datetime(2024, 7, 1).astimezone().utcoffset()), "string")("i")).first()
base.select(plus_one("i"), by_batches("i"), two("i", "g"), frame_of("i"), kind_of("i"), kind_of("s"), kind_of("d"))
base.select(kind_of("a"), kind_of(F.to_timestamp(F.lit("2024-07-01 12:00:00"))), kind_of(F.lit(1.5).cast("decimal(5,1)")), kind_of(F.lit(True)))
base.select(arrow_plus("i")), nothing.select(plus_one("i"))
base.select(mean_of("d")), base.groupBy("g").agg(mean_of("d")).orderBy("g"), base.select("i", mean_of("d").over(Window.partitionBy("g"))).orderBy("i"), nothing.agg(mean_of("d"))
base.select(too_short("i"))
base.select(F.pandas_udf(lambda s: s.str.len(), "int")("s"))
base.select(F.pandas_udf(lambda s: s, "int")("s"))
base.groupBy("g").applyInPandas(lambda f: f.assign(n=len(f)), "i int, s string, d double, a array<long>, g long, n int").orderBy("i")
base.select("i", "g").groupBy("g").applyInPandas(lambda k, f: pd.DataFrame({"k": [k[0]], "m": [f.i.max()]}), "k long, m int").orderBy("k")
base.select("i").mapInPandas(lambda it: (f[f.i > 1] for f in it), "i int"), base.select("i").mapInArrow(lambda it: it, "i int"), nothing.select("i").mapInPandas(lambda it: it, "i int")
Counts(F.lit(3)), spark.sql("select * from counts(2) order by n"), spark.sql("select i, n from range(2) r(i), lateral counts(cast(i as int) + 1) order by i, n")
base.createOrReplaceTempView("base") or spark.sql("select * from total(table(select i from base) with single partition) order by total"), spark.sql("select * from total(table(base) partition by g) order by total")
Wrong(F.lit(1))
Counts(F.lit("x"))
spark.sql("select doubled(3) as a, plus_one(4L) as b, shout('x') as c, shout(null) as d")
spark.sql("select doubled()")
spark.sql("select * from counts()")
spark.udf.register("bad", 5)
spark.udf.registerJavaFunction("jf", "org.nope.Nope")
F.udf(5, "int")
F.pandas_udf(lambda x: x)
base.select(doubled(F.sum("i")))
base.groupBy("g").agg(doubled("i"))
