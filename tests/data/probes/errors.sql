-- Syntax
SELEC 1
SELECT 1 FROM
SELECT * FROM people WHERE
SELECT (1
SELECT 'abc
SELECT 1 AS
SELECT `a
SELECT 1;; SELECT 2
SELECT 1; SELECT 2
SELECT -- nothing
SELECT DATE
SELECT interval
CREATE
DROP
CREATE TABLE
ALTER TABLE t FLY
SELECT 1 + FROM t
SELECT * FROM a JOIN
SELECT case
SELECT cast(1 AS)
SELECT cast(1 AS nope)
SELECT cast(1 AS decimal(39, 0))
SELECT cast(1 AS decimal(5, 6))
SELECT cast(1 AS decimal(1, 2, 3))
SELECT @x
SELECT $x
SELECT :x
SELECT ?
SELECT 1 ORDER
SELECT 1 LIMIT x
SELECT 1 LIMIT -1
SELECT 1 OFFSET -1
SELECT x'1G'
SELECT 5Z
SELECT 300Y
SELECT 1.5.2
EXPLAIN
DESCRIBE
/* open SELECT 1

-- Names
SELECT nope
SELECT nope FROM range(1)
SELECT idd FROM range(1)
SELECT t.id FROM range(1) u
SELECT * FROM nope
SELECT * FROM a.b.c.d
SELECT * FROM default.nope
SELECT nope(1)
SELECT abs()
SELECT abs(1, 2)
SELECT substring()
SELECT abs('a')
SELECT abs(array(1))
SELECT upper(array('a'))
SELECT array('a')[0] + array(1)
SELECT 1 + array(1)
SELECT map(1)
SELECT date_add(1, 1)
SELECT explode('a')
SELECT sum(explode(array(1)))
SELECT count(DISTINCT *) FROM range(1)
SELECT first_value(id) FROM range(1) GROUP BY nope
SELECT id FROM range(1) GROUP BY 2
SELECT id FROM range(1) ORDER BY 2
SELECT id FROM range(1) HAVING id > 1
SELECT *
SELECT t.* FROM range(1)
SELECT * EXCEPT (nope) FROM range(1)
SELECT * EXCEPT (id) FROM range(1)
SELECT id FROM range(1) a, range(1) b
SELECT * FROM range(1) a JOIN range(1) a ON a.id = a.id
SELECT * FROM range('a')
SELECT * FROM range(1, 2, 0)
SELECT * FROM VALUES (1, 2), (3)
SELECT * FROM VALUES (1) t(a, b)
WITH a AS (SELECT 1), a AS (SELECT 2) SELECT * FROM a
WITH a(x, y) AS (SELECT 1) SELECT * FROM a
SELECT x -> x
SELECT filter(array(1), x -> x + 1)
SELECT filter(array(1), (a, b, c) -> true)
SELECT struct(1).nope
SELECT array(struct(1 AS a)).b
SELECT 1 LIKE 2 ESCAPE 'ab'
SELECT in (1)
SELECT 1 IN ()
SELECT (1, 2) IN (1)
SELECT 1 WHERE 'a'
SELECT 1 WHERE 1
SELECT CASE WHEN 1 THEN 2 END
SELECT NOT 1
SELECT - 'a'
SELECT ~ 1.5
SELECT 1.5 & 1
SELECT rank()
SELECT lag(id) FROM range(1)
SELECT grouping(id) FROM range(1) GROUP BY id
SELECT percentile(id, 2) FROM range(1)
SELECT approx_percentile(id, 0.5, -1) FROM range(1)
SELECT count_min_sketch(id, 0, 0, 0) FROM range(1)
SELECT from_json('{}', 1)
SELECT from_json('{}', 'a int', map('nope', 1))
SELECT width_bucket(1, 0, 10, -1)
SELECT date_trunc(1, 2)
SELECT java_method('java.lang.Nope', 'x')
SELECT reflect('java.lang.Math', 'nope')
SELECT csv.* FROM csv.`/nope/nothing`
SELECT * FROM parquet.`/nope/nothing`
SELECT * FROM nonsense.`/nope`
SELECT * FROM json.``

-- While it runs: in one partition, for the first error is another in each
SELECT 1 / id FROM range(0, 2, 1, 1)
SELECT id, 10 div (id - 1) AS n FROM range(0, 3, 1, 1) WHERE id <> 5
SELECT cast(concat('x', id) AS double) FROM range(0, 1, 1, 1)
SELECT element_at(array(1), cast(id AS int) + 1) FROM range(0, 3, 1, 1)
SELECT map_from_arrays(array(id, id), array(1, 2)) FROM range(0, 1, 1, 1)
SELECT to_date(concat('2024-', id + 13, '-01'), 'yyyy-M-dd') FROM range(0, 1, 1, 1)
SELECT make_date(2024, cast(id AS int), 1) FROM range(0, 2, 1, 1)
SELECT sum(cast(id AS tinyint) * 100Y) FROM range(0, 5, 1, 1)
SELECT date '2024-01-01' + cast(id * 2000000000 AS int) FROM range(0, 2, 1, 1)
SELECT array_repeat(1, 2147483647)
SELECT sequence(0, 9999999999)
SELECT bround(cast(id + 9223372036854775800 AS bigint), -1) FROM range(0, 1, 1, 1)
SELECT raise_error('E', map('a', 'b'))
SELECT raise_error('DIVIDE_BY_ZERO', map('config', 'x'))
