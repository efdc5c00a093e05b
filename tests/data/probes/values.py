# What goes from Python to Spark and comes back.
import datetime
import decimal
import uuid

import numpy
import pandas
import pyarrow
from pyspark.sql import Row
from pyspark.sql import types as T

D = decimal.Decimal
utc = datetime.timezone.utc
when = datetime.datetime(2024, 7, 1, 12, 30, 15, 123456)
every = T.StructType(
    [
        T.StructField("b", T.BooleanType()),
        T.StructField("y", T.ByteType()),
        T.StructField("s", T.ShortType()),
        T.StructField("i", T.IntegerType(), False),
        T.StructField("l", T.LongType()),
        T.StructField("f", T.FloatType()),
        T.StructField("d", T.DoubleType()),
        T.StructField("n", T.DecimalType(20, 4)),
        T.StructField("t", T.StringType()),
        T.StructField("x", T.BinaryType()),
        T.StructField("day", T.DateType()),
        T.StructField("at", T.TimestampType()),
        T.StructField("ntz", T.TimestampNTZType()),
        T.StructField("dt", T.DayTimeIntervalType()),
        T.StructField("a", T.ArrayType(T.IntegerType())),
        T.StructField("m", T.MapType(T.StringType(), T.DoubleType())),
        T.StructField("r", T.StructType([T.StructField("q", T.LongType())])),
    ]
)
whole = (True, 1, 2, 3, 4, 1.5, 2.5, D("1.25"), "ü", b"\x00\xff", datetime.date(2024, 2, 29), when, when, datetime.timedelta(days=1, seconds=3), [1, None], {"k": 1.0, "z": None}, (7,))
empty = (None, None, None, 0, *[None] * 13)


def made(*args, **kwargs):
    return spark.createDataFrame(*args, **kwargs)


made([whole, empty], every)
made([whole, empty], every).toPandas()
made([whole, empty], every).toArrow().schema.names
made([whole], every).first().asDict(recursive=True)
made([(1, "a"), (2, None)], ["n", "t"])
made([(1, "a"), (2, None)])
made([{"b": 1, "a": "x"}, {"a": None, "b": 2}])
made([Row(z=1, a=Row(q="x"))])
made([(1.5, True, b"x", D("1.50"), datetime.date(2024, 1, 1), when, datetime.timedelta(hours=1))])
made([([1, 2], {"a": 1}, (1, "x"), [], {})], "a array<int>, m map<string,int>, s struct<p:int,q:string>, e array<string>, n map<int,int>")
made([(when.replace(tzinfo=utc),), (when.replace(tzinfo=datetime.timezone(datetime.timedelta(hours=2))),)], ["at"])
made([(2**40,), (1,)], ["n"])
made([(2**63,)], ["n"])
made([(2**40,)], "n int")
made([(1,), (2,)], "n int").schema, made([1, 2, 3], "int"), made(["a", None], T.StringType()), made([], "a int, b string"), made([(None,)], "a void")
made([])
made([(None,), (None,)], ["a"])
made([(1,), ("x",)], ["a"])
made([(1,), (1.5,)], ["a"])
made([("x",)], "a int")
made([(1.5,)], "a int")
made([(1,)], "a string")
made([(1,)], "a double")
made([(None,)], T.StructType([T.StructField("a", T.IntegerType(), False)]))
made([(1, 2)], "a int")
made([(1,)], "a int, b int")
made([(1, 2, 3)], ["a", "b"])
made([{"a": 1}], "a int, b string"), made([Row(b=1, a=2)], "a int, b int")
made([("x",)], "a nope")
made("abc")
made(5)
made([(300,)], "a tinyint")
made([("1.5",)], "a decimal(5,2)")
made([(D("123456.789"),)], "a decimal(5,2)")
made([(D("1.005"),), (D("1E+5"),), (D("-0.001"),)], "a decimal(10,2)")
made([(D("1.23456789012345678901"),)], ["a"])
made([(float("nan"),), (float("inf"),), (-0.0,), (None,)], "a double")
made([("2024-01-01",)], "a date")
made([(datetime.date(1, 1, 1), datetime.date(9999, 12, 31))], "a date, b date")
made([(datetime.datetime(1970, 1, 1), datetime.datetime(1900, 1, 1, 0, 0, 0, 1))], "a timestamp, b timestamp")
made([([1, "x"],)], ["a"])
made([([[1], []], {"k": {"j": None}})], "a array<array<int>>, m map<string,map<string,int>>")
made([({1: "a", None: "b"},)], "m map<int,string>")
made([(bytearray(b"ab"), b"cd")], "a binary, b binary")
made([(True,), (0,)], "a boolean")
made([("a" * 5,)], "a varchar(3)")
made([("é\u0000\U0001f600",)], ["t"]), made([("",), ("  ",)], ["t"])
made([(datetime.time(1, 2, 3),)], ["t"])
made([(uuid.UUID(int=5),)], ["u"])
made([(numpy.int64(5), numpy.float32(1.5), numpy.bool_(True), numpy.str_("x"))], ["a", "b", "c", "d"])
made(numpy.arange(4).reshape(2, 2)), made(numpy.array([1.5, 2.5]))
made(pandas.DataFrame({"i": [1, 2], "f": [1.5, None], "s": ["a", None], "b": [True, False], "t": pandas.to_datetime(["2024-01-01", None]), "o": [[1], None]}))
made(pandas.DataFrame({"i": pandas.array([1, None], dtype="Int64"), "c": pandas.Categorical(["x", "y"]), "z": pandas.to_datetime(["2024-01-01", "2024-07-01"]).tz_localize("Europe/Berlin"), "d": pandas.to_timedelta([1, 2], unit="h")}))
made(pandas.DataFrame({"a": [1, 2]}), "a string"), made(pandas.DataFrame({"a": [1, 2]}), ["b"]), made(pandas.DataFrame())
made(pandas.DataFrame({"a": [1, "x"]}))
made(pandas.DataFrame({"a": ["x"]}), "a int")
made(pandas.DataFrame({"a": [1, 2]}, index=["p", "q"]), "a long, b long")
made(pyarrow.table({"a": [1, None], "b": ["x", "y"], "c": [[1.5], []]}))
made(spark.range(1).toPandas())
spark.sql("select interval 1 day as d, interval '1 02:03:04.5' day to second as s")
spark.sql("select interval '1-2' year to month as m")
spark.sql("select interval 1 day as d, timestamp '2024-07-01 12:00:00' as t, timestamp_ntz '2024-07-01 12:00:00' as n, date '2024-07-01' as y, 1.50 as x").toPandas()
spark.sql("select interval '1-2' year to month as m").toPandas()
spark.sql("select make_interval(1, 2) as c")
spark.sql("select cast(null as void) as v, array() as a, map() as m, array(null) as n, x'' as b, '' as s")
spark.sql("select parse_json('{\"a\": [1, 2.5]}') as v").first().v.toPython(), spark.sql("select parse_json('[1]') as v").first().v.toJson(), spark.sql("select parse_json('1') as v")
spark.sql("select timestamp '1890-01-01 00:00:00' as t, timestamp '2500-01-01 00:00:00.000001' as u, date '0001-01-01' as d")
spark.sql("select timestamp '0001-01-01 00:00:00' as t")
spark.sql("select timestamp '9999-12-31 23:59:59.999999' as t, cast(-1 as timestamp) as n")
spark.sql("select date '9999-12-31' + 1 as d")
spark.sql("select date '-0044-03-15' as d")
spark.sql("select timestamp '3000-01-01 00:00:00' as t").toPandas()
spark.sql("select map(1, 'a', 2, null) as m, named_struct('a', 1, 'a', 2) as s, array(named_struct('x', map('k', array(1)))) as n")
spark.sql("select map(named_struct('a', 1), 'x') as m")
spark.sql("select map(array(1), 'x') as m")
spark.sql("select 1 as a, 2 as a, 3 as `A`").first(), spark.sql("select 1 as `count`, 2 as `index`").first(), spark.sql("select 1 as `a b`").first()
spark.sql("select 1 as a, 2 as a").toPandas()
spark.sql("select cast('NaN' as double) as d, cast('-inf' as float) as f, 0.1f as g, 1e300 as h, 123456789.123456789 as n, 1.0e-10BD as t")
spark.sql("select cast(1 as tinyint) as y, cast(1 as smallint) as s, 1 as i, 1L as l, true as b, 'x' as t, x'01' as z").toPandas()
spark.sql("select * from values (1, true, 'x', 1.5D), (null, null, null, null) t(i, b, s, d)").toPandas()
spark.sql("select * from values (array(1, null), map('a', 1), named_struct('x', 1)), (null, null, null) t(a, m, s)").toPandas()
spark.sql("select id, id * 1.5 as x from range(3)").toPandas().describe().loc["mean"].tolist()
spark.sql("select * from range(0)").toPandas(), spark.sql("select cast(1.5 as decimal(10,3)) as d").toPandas().d[0]
spark.conf.get("spark.sql.session.timeZone"), spark.conf.get("nope", "d"), spark.conf.isModifiable("spark.sql.ansi.enabled"), spark.version
spark.conf.get("nope")
spark.conf.set("spark.sql.ansi.enabled", 5)
spark.conf.set("spark.sql.warehouse.dir", "/nope")
T.StructType.fromDDL("a int not null, b array<struct<c: decimal(5,2)>> comment 'x'"), T._parse_datatype_string("map<string,int>")
T.StructType.fromDDL("a nope")
made([(1,)], "a int").schema.json(), every.simpleString(), made([(1,)], T.StructType().add("a", "int", True, {"k": [1]})).schema["a"].metadata
