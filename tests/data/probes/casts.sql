-- Text to other types and back, in ANSI mode
SELECT cast('1' AS int), cast(' 2 ' AS int), cast('+3' AS bigint), cast('-4' AS smallint), cast('5' AS decimal(5, 2)), cast('1e2' AS double)
SELECT cast('abc' AS int)
SELECT cast('1.5' AS int)
SELECT cast('' AS int)
SELECT cast('2147483648' AS int)
SELECT cast('1 2' AS bigint)
SELECT cast('x' AS double)
SELECT cast('x' AS boolean)
SELECT cast('x' AS date)
SELECT cast('2024-13-01' AS date)
SELECT cast('x' AS timestamp)
SELECT cast('x' AS timestamp_ntz)
SELECT cast(s AS int) AS n FROM VALUES ('1'), ('two') t(s)
SELECT cast(concat('a', id) AS int) AS n FROM range(0, 2, 1, 1)
SELECT try_cast('abc' AS int), try_cast('' AS double), try_cast('x' AS date), try_cast('x' AS boolean), try_cast(300 AS tinyint), try_cast('x' AS timestamp)
SELECT cast('true' AS boolean), cast('T' AS boolean), cast('yes' AS boolean), cast('n' AS boolean), cast('0' AS boolean), cast(2 AS boolean), cast(0.0 AS boolean)
SELECT cast(true AS int), cast(true AS string), cast(false AS double), cast(true AS decimal(3, 1))
SELECT cast(300 AS tinyint)
SELECT cast(-129L AS tinyint)
SELECT cast(99999 AS smallint)
SELECT cast(2147483648L AS int)
SELECT cast(123 AS string), cast(1.50 AS string), cast(1.5D AS string), cast(null AS string), cast(x'616263' AS string), cast('abc' AS binary)
SELECT cast(date '2024-01-02' AS string), cast(timestamp '2024-01-02 03:04:05.678' AS string), cast(timestamp_ntz '2024-01-02 03:04:05' AS string)
SELECT cast(array(1, null) AS string), cast(map('a', 1, 'b', null) AS string), cast(named_struct('a', 1, 'b', null, 'c', 'x') AS string), cast(array() AS string)
SELECT cast(array('1', '2') AS array<int>), cast(named_struct('a', '1') AS struct<b: int>), cast(map('1', 2) AS map<int, string>)
SELECT cast(array('1', 'x') AS array<int>)
SELECT cast(named_struct('a', 1) AS int)
SELECT cast(1 AS date)
SELECT cast(true AS date)
SELECT cast(1 AS timestamp), cast(1.5 AS timestamp), cast(-1L AS timestamp)
SELECT cast(timestamp '2024-01-02 03:04:05.678' AS bigint), cast(timestamp '1969-12-31 23:59:59.5' AS bigint), cast(timestamp '2024-01-02 03:04:05.678' AS double)
SELECT cast(timestamp '2024-01-02 03:04:05' AS date), cast(date '2024-01-02' AS timestamp), cast('2024-01-02 03:04:05' AS date)
SELECT cast('2024-1-2' AS date), cast('2024' AS date), cast('2024-03' AS date), cast('2024-03-04T05' AS date), cast('epoch' AS date)
SELECT cast('2024-01-02T03:04:05Z' AS timestamp), cast('2024-01-02 03:04:05 America/New_York' AS timestamp), cast('2024-01-02 03:04:05+01:30' AS timestamp)
SELECT cast('2024-01-02 24:00:00' AS timestamp)
SELECT cast('12:30' AS timestamp) IS NOT NULL, cast('now' AS date) = current_date(), cast('tomorrow' AS date) - current_date()
SELECT cast('1 day 2 hours' AS interval day to hour)
SELECT cast(cast('1-2' AS interval year to month) AS string), cast(interval '1-2' year to month AS string), cast(interval '1 02:03:04.5' day to second AS string)
SELECT cast(interval '5' day AS int), cast(interval '2' month AS int), cast(3 AS interval hour), cast(interval '90' minute AS interval hour to minute)
SELECT cast(10000000000 AS interval year)
SELECT cast('a' AS char(3)), cast('abcdef' AS varchar(3)), cast('a ' AS varchar(3)), char(65), chr(8364)
SELECT cast(1 AS void)
SELECT cast(null AS int), cast(null AS array<int>), null IS NULL, typeof(null), typeof(1), typeof(1.0), typeof('a'), typeof(array(1L)), typeof(map(1, 'a'))
SELECT typeof(1 + 1L), typeof(1 + 1.0), typeof(1 / 2), typeof(1.0 * 1.00), typeof(coalesce(1, 2L)), typeof(interval 1 day), typeof(x'00'), typeof(named_struct('a', 1)), typeof(current_timestamp()), typeof(date '2024-01-01' - date '2023-01-01')
SELECT 1::bigint, '5'::int + 1, array(1)::array<string>, '2024-01-01'::date
SELECT ?::int

-- Implicit ones
SELECT '1.5' + 1
SELECT '1' + 1, '1.5' + 1D, 1 + '2', '3' || 4, concat(1, 'a', 2.0), 1 = '1', 2 > '10', '2' > '10', date '2024-01-01' = '2024-01-01', date '2024-01-01' < timestamp '2024-01-01 00:00:01'
SELECT 'a' + 1
SELECT 1 = 'a'
SELECT true + 1
SELECT true = 1
SELECT 1 IN ('1', '2'), 'a' IN ('a', null), 'b' IN ('a', null), null IN (1), 3 NOT IN (1, null)
SELECT 1 IN (1, 'a')
SELECT coalesce(1, 2.5), coalesce(null, 'a'), nvl(null, 1), nvl2(1, 'a', 'b'), nullif(1, 1), nullif(1, '2'), ifnull(null, 2), zeroifnull(null), nullifzero(0)
SELECT coalesce(1, 'a')
SELECT if(true, 1, 2.5), if(null, 1, 2), CASE 1 WHEN 1 THEN 'one' END, CASE WHEN false THEN 1 END, decode(2, 1, 'a', 2, 'b', 'c'), decode(9, 1, 'a'), decode(null, null, 'n')
SELECT if(true, 1, 'a')
SELECT CASE WHEN null THEN 1 ELSE 2L END
SELECT array(1, 2.5, 3L), array(1, null), map(1, 'a', 2.5, 'b')
SELECT date_add('2024-01-01', 1), year('2024-05-06'), length(12345), upper(true), substring(12345, 2, 2), abs('-3'), round('2.567', 1)
SELECT date_add('x', 1)
SELECT null + 1, null || 'a', null AND false, null OR true, NOT null, null = null, null <=> null, 1 <=> null, null > 1, null BETWEEN 1 AND 2
SELECT 1 BETWEEN 0 AND 2, 1 NOT BETWEEN 0 AND 2, 'b' BETWEEN 'a' AND 'c', 5 BETWEEN 9 AND 1
SELECT true XOR false
SELECT true AND 'true', NOT 'false'
SELECT if('true', 1, 2)
SELECT equal_null(null, null), equal_null(1, null), isnull(1), isnotnull(null), 1 IS DISTINCT FROM null, null IS NOT DISTINCT FROM null, true IS TRUE, null IS UNKNOWN, null IS NOT TRUE
SELECT raise_error('boom')
SELECT assert_true(1 > 2)
SELECT assert_true(1 > 2, 'one is less')
SELECT assert_true(true)
SELECT raise_error(concat('row ', id)) FROM range(0, 2, 1, 1)
SELECT id, if(id = 5, raise_error('never'), id) AS n FROM range(3)

-- set spark.sql.ansi.enabled = false
SELECT cast('x' AS date), cast('x' AS timestamp), cast('x' AS boolean), cast('2024-13-01' AS date), cast('12:99' AS timestamp)
SELECT cast(array('1', 'x') AS array<int>), cast(named_struct('a', 'x') AS struct<a: int>)
SELECT cast(map('x', 1) AS map<int, int>)
SELECT cast(1 AS timestamp), cast(timestamp '2024-01-02 03:04:05.678' AS int), cast(true AS timestamp), cast(date '2024-01-01' AS int)
SELECT date_add('x', 1), year('x'), hour('25:00'), to_date('2024-02-30'), to_timestamp('x'), unix_timestamp('x'), make_date(2024, 2, 30), make_timestamp(2024, 2, 30, 1, 1, 1)
SELECT next_day('2024-01-01', 'xx'), parse_url('x:y z', 'HOST')
SELECT to_number('x', '999')
SELECT to_binary('zz', 'hex')
SELECT array('a', 1), map(1, 'a', '2', 5)
SELECT from_json('{', 'a int'), timestampadd(YEAR, 100000, timestamp '2024-01-01') IS NULL
SELECT array_position(array(1, 2), '1')
SELECT array_contains(array(1), 1L), concat(array(1), array('a')), 1 IN (1, 'a'), 'x' BETWEEN 0 AND 1
SELECT interval '1' day * 3000000000
SELECT sum(s) AS s, avg(s) AS a, max(s) AS m FROM VALUES ('1'), ('2.5'), ('x') t(s)
SELECT map_from_arrays(array(1, 1), array('a', 'b'))
-- set spark.sql.mapKeyDedupPolicy = LAST_WIN
SELECT map_from_arrays(array(1, 1), array('a', 'b')), map(1, 2, 1, 3), map_concat(map(1, 2), map(1, 5)), str_to_map('a:1,a:2')
-- reset
-- set spark.sql.ansi.enabled = true
-- set spark.sql.storeAssignmentPolicy = LEGACY
SELECT typeof(concat(1, 2)), cast('1' AS int)
-- reset
-- set spark.sql.caseSensitive = true
SELECT ID FROM range(1)
SELECT a, A FROM VALUES (1, 2) t(a, A)
-- reset
SELECT ID FROM range(1)
SELECT a, A FROM VALUES (1, 2) t(a, A)
