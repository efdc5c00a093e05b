-- Each line is a probe; an indented line goes on with the one before. "-- set name = value" holds until the next "-- reset".

-- Whole numbers and their overflow
SELECT 1 + 1, 7 / 2, 7 div 2, 7 % 3, -7 % 3, pmod(-7, 3), -7 div 2
SELECT 1Y + 1S, 1S + 1, 1 + 1L, 1Y * 1Y, 2L - 1Y, -(1S)
SELECT 2147483647 + 1
SELECT 9223372036854775807 + 1
SELECT -2147483648 - 1
SELECT 32767S + 1S
SELECT 127Y * 2Y
SELECT -(-9223372036854775808L)
SELECT abs(-2147483648)
SELECT 9223372036854775808
SELECT 9223372036854775808 - 1
SELECT 2147483647 * 2L
SELECT id + 9223372036854775805 AS n FROM range(3)
SELECT id + 9223372036854775806 AS n FROM range(3)
SELECT cast(id AS int) * 1073741824 AS n FROM range(3)
SELECT sum(id + 4611686018427387903) FROM range(1, 5)
SELECT try_add(2147483647, 1), try_subtract(-2147483648, 1), try_multiply(2147483647, 2), try_divide(1, 0), try_mod(1, 0)
SELECT try_add(id, 9223372036854775806) AS n FROM range(3)
SELECT try_sum(id + 4611686018427387903) AS n, try_avg(id) AS a FROM range(1, 5)
SELECT 1 / 0
SELECT 1 div 0
SELECT 1 % 0
SELECT 1.0 / 0
SELECT 1D / 0
SELECT 0D / 0D
SELECT id / (id - 1) AS n FROM range(3)
SELECT try_divide(id, id - 1) AS n FROM range(3)
SELECT 5 & 3, 5 | 3, 5 ^ 3, ~5, shiftleft(1, 33), shiftright(-8, 1), shiftrightunsigned(-8, 1), 1 << 3, -16 >> 2, -16 >>> 28
SELECT bit_count(7), bit_get(5, 0), getbit(5, 1), bit_count(-1L)
SELECT bit_get(5, 40)
SELECT bin(13), hex(255), unhex('FF'), conv('ff', 16, 10), conv('100', 2, -10), conv('zz', 36, 16), conv('x', 10, 16)
SELECT factorial(20), factorial(21), factorial(-1)
SELECT gcd.v FROM (SELECT greatest(1, 2L, 3.0) AS v) gcd
SELECT greatest(1, null, 3), least(1, null, 3), greatest(null, null), greatest('a', 'b'), least(1D, double('NaN'))
SELECT width_bucket(5.3, 0.2, 10.6, 5), width_bucket(0, 1, 10, 5), width_bucket(11, 1, 10, 5), width_bucket(5, 1, 1, 5)
SELECT sign(-3), signum(0.0), positive(3), negative(3L), - 3, + 3

-- Decimals
SELECT 1.1 + 2.22, 1.1 * 2.22, 1.10 / 3, 1.1 % 0.3, 5.5 div 2
SELECT 99999999999999999999999999999999999999.0
SELECT 99999999999999999999999999999999999999 + 1
SELECT 99999999999999999999999999999999999999 * 10
SELECT cast(1 AS decimal(38, 18)) * cast(1 AS decimal(38, 18))
SELECT cast(1 AS decimal(38, 18)) / cast(3 AS decimal(38, 18))
SELECT cast(12345.678 AS decimal(5, 2))
SELECT cast(12345.678 AS decimal(7, 2)), cast(0.005 AS decimal(3, 2)), cast(-0.005 AS decimal(3, 2)), cast(0.015 AS decimal(3, 2))
SELECT try_cast(12345.678 AS decimal(5, 2)), try_cast('1e3' AS decimal(10, 2)), try_cast('abc' AS decimal(10, 2))
SELECT cast(cast(id AS decimal(20, 0)) / 3 AS decimal(38, 30)) AS d FROM range(3)
SELECT sum(cast(99999999999999999999999999999999999.9 AS decimal(38, 1)) + id) AS s FROM range(0, 2000, 1, 1)
SELECT sum(cast('99999999999999999999999999999999999999' AS decimal(38, 0))) AS s FROM range(0, 3, 1, 1)
SELECT avg(cast(id AS decimal(10, 2))) AS a, sum(cast(id AS decimal(10, 2))) AS s FROM range(4)
SELECT 1.0 = 1, 1.0 = 1D, 1.10 = 1.1, cast(1.1 AS float) = 1.1D, 0.1D + 0.2D = 0.3D, 0.1 + 0.2 = 0.3
SELECT 1e3, 1.5E-2, 1.5BD, 1F, 2D, .5, 5.
SELECT 1e400
SELECT 1e39BD
SELECT round(2.5), round(3.5), round(-2.5), round(2.345, 2), round(1234.5, -2), round(25, -1), round(2.5D), round(1.005D, 2)
SELECT bround(2.5), bround(3.5), bround(25, -1), bround(2.345, 2), round(2147483647, -9)
SELECT round(127Y, -1)
SELECT ceil(2.1), floor(-2.1), ceil(2.1, 0), floor(2.19, 1), ceil(-0.5D), floor(1e20D), ceiling(3), rint(2.5)
SELECT cast(1.5 AS int), cast(-1.5D AS int), cast(2.9F AS bigint), int(3.99), bigint('7'), smallint(3), tinyint(-1)

-- Floating point
SELECT double('NaN'), double('Infinity'), -double('Infinity'), float('-inf'), double('nan') = double('NaN'), double('NaN') > double('Infinity')
SELECT -0.0D, 0.0D = -0.0D, abs(-0.0D), cast(-0.0D AS string), cast(cast(-0.0D AS float) AS double)
SELECT isnan(double('NaN')), isnan(null), nanvl(double('NaN'), 1D), nanvl(2D, 1D)
SELECT k, count(*) AS c FROM (SELECT CASE id WHEN 0 THEN 0.0D WHEN 1 THEN -0.0D ELSE double('NaN') END AS k FROM range(4)) GROUP BY k ORDER BY k
SELECT max(v), min(v), sum(v), avg(v) FROM VALUES (1D), (double('NaN')), (null), (-double('Infinity')) t(v)
SELECT v FROM VALUES (1D), (double('NaN')), (null), (double('Infinity')), (-double('Infinity')), (-0.0D) t(v) ORDER BY v DESC NULLS LAST
SELECT v FROM VALUES (1F), (float('NaN')), (null) t(v) ORDER BY v NULLS LAST
SELECT cast(1.1 AS float), cast(cast(1.1 AS float) AS double), cast(16777217 AS float), 3.4e38F * 10, 1e-320D
SELECT sqrt(2D), sqrt(-1D), cbrt(27D), exp(1D), ln(0D), ln(-1D), log(2, 8), log10(1000), log2(8), log1p(0), expm1(0)
SELECT pow(2, 10), power(2.5D, 2), pow(-8, 1/3), hypot(3, 4), degrees(pi()), radians(180), e()
SELECT sin(0.5D), cos(0.5D), tan(0.5D), asin(0.5D), acos(2D), atan(0.5D), atan2(1, 2), sinh(1), cosh(1), tanh(1), asinh(1), acosh(1), atanh(0.5D)
SELECT cot(1), csc(1), sec(1), cot(0), sign(double('NaN'))
SELECT sin(id) AS s, exp(id) AS e, id / 7D AS d, cast(id / 7D AS float) AS f FROM range(5)
SELECT cast(1e10D AS string), cast(1e7D AS string), cast(0.001D AS string), cast(1e-4D AS string), cast(100000000F AS string), cast(1.0D AS string)
SELECT cast(double('NaN') AS int)
SELECT cast(1e20D AS bigint)
SELECT cast(3e9D AS int)
SELECT float(1) / 3, 1 / 3F, 2F * 3, 2F + 1L, 1.5 + 1F
SELECT stddev(id), stddev_pop(id), variance(id), var_pop(id), skewness(id), kurtosis(id) FROM range(0, 6, 1, 1)
SELECT corr(id, id * id), covar_pop(id, 2 * id), covar_samp(id, 2 * id), regr_slope(id, id * 2), regr_r2(id, id), regr_intercept(id, id + 1) FROM range(0, 6, 1, 1)
SELECT stddev(id), variance(id), corr(id, id), skewness(id) FROM range(1)

-- The same without ANSI mode
-- set spark.sql.ansi.enabled = false
SELECT 2147483647 + 1, 9223372036854775807 + 1, 127Y + 1Y, 32767S * 2S, -(-2147483648), abs(-2147483648)
SELECT 1 / 0, 1 div 0, 1 % 0, 1.0 / 0, 1D / 0, pmod(1, 0)
SELECT cast(id AS int) * 1073741824 AS n, id / (id - 1) AS d FROM range(4)
SELECT sum(id + 4611686018427387903) AS s FROM range(1, 5)
SELECT sum(cast('99999999999999999999999999999999999999' AS decimal(38, 0))) AS s FROM range(0, 3, 1, 1)
SELECT 99999999999999999999999999999999999999 + 1, cast(12345.678 AS decimal(5, 2))
SELECT cast(double('NaN') AS int), cast(1e20D AS bigint), cast(3e9D AS int), cast(300 AS tinyint), cast(-129 AS tinyint), cast(2147483648 AS int)
SELECT cast('abc' AS int), cast('1.5' AS int), cast(' 7 ' AS int), cast('1e3' AS int), cast('' AS double), cast('inf' AS double), cast('9999999999' AS int)
SELECT 'a' + 1, '2' * 3, '1' = 1, '1.0' = 1, 'a' = 1, true = 'true'
SELECT true + 1
SELECT 1 = true
SELECT conv('9223372036854775808', 10, -10), conv('18446744073709551616', 10, 16)
SELECT round(127Y, -1), round(2147483647, -9)
SELECT shiftleft(1, 33), bit_get(5, 1)
SELECT greatest(1, '2')
SELECT coalesce(1, 'a'), CASE WHEN true THEN 1 ELSE 'x' END, if(false, 1, '2')
SELECT element_at(array(1, 2), 5), array(1, 2)[7], map('a', 1)['b'], element_at(map('a', 1), 'b'), elt(5, 'a', 'b')
SELECT size(null), sort_array(array(2, null, 1)), size(cast(null AS map<int, int>))
-- set spark.sql.legacy.sizeOfNull = false
SELECT size(cast(null AS array<int>))
-- reset
-- set spark.sql.decimalOperations.allowPrecisionLoss = false
SELECT cast(1 AS decimal(38, 18)) / cast(3 AS decimal(38, 18))
SELECT cast(1 AS decimal(20, 10)) * cast(3 AS decimal(20, 10))
-- reset
-- set spark.sql.ansi.doubleQuotedIdentifiers = true
SELECT "id" FROM range(1)
-- reset
