# Each expression at top level is a probe; `spark` and `folder` (a fresh one) are given. All else is run before the probes.
from pyspark.sql import functions as F

rows = [
    (1, 2.5, "b", "2024-03-31", [3, 1, None], {"a": 1}, True),
    (-2, None, "Añ", "2023-12-25", [], {"b": None}, False),
    (None, float("nan"), None, None, None, None, None),
    (0, -0.0, "", "0002-01-01", [5], {}, None),
]
frame = spark.createDataFrame(rows, "i int, d double, s string, day string, a array<int>, m map<string, int>, b boolean")
days = frame.select("i", F.col("day").cast("date").alias("day"), F.to_timestamp("day").alias("at"))
pairs = spark.range(6).select((F.col("id") % 3).alias("g"), (F.col("id") * 1.5).alias("x"), F.col("id").alias("y"))


def of(*columns):
    return frame.select("i", *columns)


def by(*columns):
    return pairs.groupBy("g").agg(*columns).orderBy("g")


of(F.abs("i"), F.negate("i"), F.signum("d"), F.sqrt("i"), F.cbrt("d"), F.exp("d"), F.expm1("i"))
of(F.ceil("d"), F.floor("d"), F.round("d", 1), F.bround("d"), F.rint("d"), F.hex("i"), F.bin("i"))
of(F.log("d"), F.log(2.0, "i"), F.log10("d"), F.log1p("d"), F.log2("i"), F.ln("i"), F.pow("i", 2), F.hypot("i", "d"))
of(F.sin("d"), F.cos("d"), F.tan("d"), F.asin("d"), F.acos("d"), F.atan("d"), F.atan2("i", "d"), F.degrees("d"), F.radians("i"))
of(F.isnan("d"), F.isnull("s"), F.nanvl("d", F.lit(7.0)), F.coalesce("s", F.lit("none")), F.nvl("i", F.lit(0)), F.nullif("i", F.lit(0)))
of(F.greatest("i", F.lit(0)), F.least("i", "d"), F.pmod("i", F.lit(3)), F.factorial(F.abs("i")), F.conv("i", 10, 2), F.bitwise_not("i"), F.shiftleft("i", 2))
of(F.when(F.col("i") > 0, "up").when(F.col("i") < 0, "down"), F.when(F.col("i").isNull(), 1).otherwise(2), F.expr("i + 1"), F.lit(None), F.lit(1.5))
of(F.upper("s"), F.lower("s"), F.initcap("s"), F.length("s"), F.octet_length("s"), F.reverse("s"), F.ascii("s"), F.base64("s"), F.trim("s"))
of(F.lpad("s", 3, "*"), F.rpad("s", 3, "*"), F.repeat("s", 2), F.substring("s", 1, 1), F.concat("s", F.lit("!")), F.concat_ws("-", "s", "day"), F.instr("s", "b"))
of(F.split("day", "-"), F.regexp_extract("day", r"(\d+)-", 1), F.regexp_replace("day", "-", "/"), F.translate("day", "0123", "abc"), F.levenshtein("s", "day"), F.soundex("s"), F.substring_index("day", "-", 2))
of(F.md5("s"), F.sha1("s"), F.sha2("s", 256), F.crc32("s"), F.hash("i", "s"), F.xxhash64("d", "s"), F.format_number("d", 2), F.format_string("%s/%s", "i", "s"), F.encode("s", "utf-8"))
of(F.size("a"), F.array_contains("a", 1), F.sort_array("a"), F.array_max("a"), F.array_distinct("a"), F.element_at("m", F.lit("a")), F.array_join("a", ","), F.slice("a", 1, 1), F.array_position("a", 1))
of(F.get("a", 0), F.try_element_at("a", F.lit(1)), F.array_compact("a"), F.array_append("a", 9), F.array_prepend("a", 9), F.array_insert("a", 1, 7), F.array_size("a"), F.cardinality("m"))
of(F.transform("a", lambda x: x + 1), F.transform("a", lambda x, n: x * n), F.filter("a", lambda x: x > 1), F.exists("a", lambda x: x > 4), F.forall("a", lambda x: x > 0), F.aggregate("a", F.lit(0), lambda t, x: t + F.coalesce(x, F.lit(0))))
of(F.map_keys("m"), F.map_values("m"), F.map_entries("m"), F.map_contains_key("m", "a"), F.map_filter("m", lambda k, v: v.isNotNull()), F.transform_values("m", lambda k, v: v + 1), F.transform_keys("m", lambda k, v: F.upper(k)), F.map_concat("m", F.create_map(F.lit("z"), F.lit(9))))
of(F.zip_with("a", "a", lambda x, y: x + y), F.arrays_zip("a", "a"), F.array_union("a", F.array(F.lit(5))), F.array_except("a", F.array(F.lit(5))), F.arrays_overlap("a", "a"), F.array_repeat("i", 2), F.flatten(F.array("a", "a")), F.map_from_arrays(F.array(F.lit(1)), F.array("i")))
of(F.struct("i", "s"), F.named_struct(F.lit("x"), "i"), F.array("i", "i"), F.create_map("i", "s")).where("i is not null")
of(F.to_json(F.struct("i", "d", "s", "a")), F.get_json_object(F.to_json("m"), "$.a"), F.from_json(F.to_json("m"), "a int"), F.to_csv(F.struct("i", "s")))
of(F.from_json(F.lit('{"x": [1]}'), "x array<int>"), F.schema_of_json('{"a": 1}'), F.from_csv(F.lit("1,b"), "a int, b string"), F.json_tuple(F.lit('{"a": 1}'), "a", "b"))
of(F.parse_json(F.lit('{"k": [1, "x"]}')).cast("string"), F.variant_get(F.parse_json(F.lit('{"k": 5}')), "$.k", "int"), F.try_parse_json(F.lit("{")), F.is_variant_null(F.parse_json(F.lit("null"))))
of(F.explode("a"))
of(F.explode_outer("a"))
of(F.posexplode("a"))
of(F.posexplode_outer("m"))
of(F.inline(F.array(F.struct("i", "s"))))
of(F.explode("a"), F.explode("m"))
days.select("i", F.year("day"), F.quarter("day"), F.month("day"), F.dayofmonth("day"), F.dayofweek("day"), F.dayofyear("day"), F.weekofyear("day"), F.weekday("day"), F.last_day("day"), F.dayname("day"))
days.select("i", F.date_add("day", 1), F.date_sub("day", 1), F.add_months("day", 1), F.months_between("at", F.lit("2024-01-01")), F.datediff("day", F.lit("2024-01-01")), F.next_day("day", "Mon"), F.trunc("day", "month"), F.date_trunc("year", "at"))
days.select("i", F.date_format("at", "yyyy/MM/dd HH:mm"), F.unix_timestamp("at"), F.from_unixtime(F.unix_timestamp("at")), F.to_date("at"), F.hour("at"), F.minute("at"), F.second("at"), F.unix_date("day"), F.to_utc_timestamp("at", "Asia/Tokyo"), F.from_utc_timestamp("at", "America/New_York"))
days.select("i", F.make_date(F.year("day"), F.lit(1), F.lit(2)), F.make_interval(days=F.col("i")).cast("string"), F.make_dt_interval(F.col("i")), F.make_ym_interval(F.col("i")).cast("string"), F.timestamp_seconds("i"), F.date_from_unix_date("i"), F.extract(F.lit("MONTH"), "day"), F.date_part(F.lit("DOW"), "day"))
days.select(F.col("day") + F.expr("interval 1 day"), F.col("at") - F.col("at"), F.col("day") - F.lit("2024-01-01").cast("date"), F.timestamp_add("DAY", F.lit(2), "at"), F.timestamp_diff("HOUR", "at", F.lit("2024-01-01").cast("timestamp")))
by(F.count("*"), F.sum("y"), F.avg("x"), F.min("x"), F.max("y"), F.stddev("x"), F.variance("y"), F.sum_distinct("y"), F.count_distinct("y"), F.countDistinct("x", "y"))
by(F.sort_array(F.collect_list("y")), F.sort_array(F.collect_set("x")), F.corr("x", "y"), F.covar_pop("x", "y"), F.skewness("x"), F.kurtosis("x"), F.median("x"), F.mode("g"), F.percentile("y", 0.3), F.percentile_approx("y", 0.5), F.approx_count_distinct("y"))
by(F.max_by("x", "y"), F.min_by("x", "y"), F.product("x"), F.bool_and(F.col("y") > 1), F.bool_or(F.col("y") > 4), F.count_if(F.col("y") > 2), F.bit_or("y"))
frame.agg(F.count("i"), F.sum("i"), F.sum("d"), F.max("d"), F.min("s"), F.max("b"), F.first("i", True), F.collect_list("s"), F.avg("d"))
frame.coalesce(1).select(F.sum("s"))
frame.select(F.nope("s"))
frame.select(F.upper())
frame.select(F.col("nope"))
frame.select(F.sum(F.sum("i")))
frame.coalesce(1).select(F.to_date("s", "yyyy"))
frame.select(F.date_format("day", "bbb"))
frame.select(F.element_at("a", F.lit(0)))
frame.select(F.raise_error("no"))
frame.select(F.assert_true(F.col("i") > 0))
frame.select(F.transform("a", lambda x, y, z: x))
frame.select(F.lit([1, 2]), F.lit("x").cast("binary"), F.lit(True), F.lit(2**40), F.lit(1))
frame.select(F.monotonically_increasing_id() >= 0, F.spark_partition_id() >= 0, F.input_file_name(), F.typeof("a"), F.typeof(F.lit(1.5)))
frame.join(F.broadcast(pairs), F.col("i") == F.col("y")).select("i", "x")
frame.select(F.width_bucket("i", F.lit(-5), F.lit(5), F.lit(4)), F.equal_null("i", "i"), F.nullifzero("i"), F.zeroifnull("i"), F.try_add("i", F.lit(2**31 - 1)), F.try_divide("i", F.lit(0)), F.try_multiply("i", F.lit(2)), F.try_subtract("i", F.lit(1)), F.mask("s"), F.elt(F.lit(1), "s"))
frame.select(F.try_to_number(F.lit("x"), F.lit("99")), F.to_number(F.lit("12"), F.lit("99")), F.to_char(F.lit(12), F.lit("999")), F.url_encode(F.lit("a b")), F.parse_url(F.lit("http://h/p?q=1"), F.lit("QUERY")), F.find_in_set(F.lit("a"), F.lit("b,a")), F.split_part(F.lit("a.b"), F.lit("."), F.lit(2)), F.ilike("s", F.lit("B")), F.startswith("s", F.lit("b")), F.collate("s", "UNICODE_CI") == F.lit("B"))
days.where("at > '2000-01-01'").groupBy(F.window("at", "30 days")).count().orderBy("window")
frame.select(F.call_function("abs", "i"), F.expr("map_keys(m)"), F.col("m")["a"], F.col("m").getItem("a"), F.struct("i").getField("i"))
