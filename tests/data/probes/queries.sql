-- What the queries below read
CREATE TEMPORARY VIEW people AS SELECT * FROM VALUES (1, 'Ann', 'de', 30, 1000.5D), (2, 'Bob', 'fr', null, 2000D), (3, 'Cid', 'de', 41, null), (4, null, 'it', 25, 500D), (5, 'Eve', null, 41, 2000D) t(id, name, land, age, pay)
CREATE TEMPORARY VIEW orders AS SELECT cast(id AS int) AS id, cast(id % 4 + 1 AS int) AS person, cast(id * 10 AS decimal(10, 2)) AS total, date_add(date '2024-01-01', cast(id * 7 AS int)) AS day FROM range(12)
CREATE TEMPORARY VIEW none AS SELECT * FROM people WHERE false

-- Plain
SELECT * FROM people
SELECT * FROM orders ORDER BY id
SELECT * EXCEPT (pay, age) FROM people WHERE id < 3 ORDER BY id
SELECT name, age + 1 AS next, age + 1 FROM people WHERE age > 26 ORDER BY id
SELECT name FROM people WHERE age = null
SELECT name FROM people WHERE NOT age > 30 ORDER BY name
SELECT name FROM people WHERE age IS NULL OR pay IS NULL ORDER BY name NULLS LAST
SELECT DISTINCT land FROM people ORDER BY land
SELECT name FROM people ORDER BY age DESC NULLS FIRST, name LIMIT 2
SELECT name FROM people ORDER BY pay, id LIMIT 2 OFFSET 1
SELECT id FROM people ORDER BY 1 DESC LIMIT ALL
SELECT id FROM people LIMIT 0
SELECT * FROM none
SELECT count(*), sum(id), max(name), collect_list(id) FROM none
SELECT 1 AS a, 2 AS a
SELECT 1, 'a', null, 1 + 1, upper('x'), 1 AS `a b`, 2 AS `ü`
SELECT id AS n, n + 1 AS m FROM people ORDER BY id
SELECT * FROM people TABLESAMPLE (100 PERCENT) ORDER BY id
SELECT * FROM people TABLESAMPLE (2 ROWS)
FROM people SELECT name WHERE id = 1
FROM people |> WHERE age > 20 |> SELECT id, age |> EXTEND age * 2 AS d |> ORDER BY id
FROM orders |> AGGREGATE sum(total) AS s GROUP BY person |> ORDER BY person
VALUES (1, 'a'), (2, null)
TABLE people
SELECT * FROM VALUES (1), ('a') t(a)
SELECT t.* FROM (VALUES (1, 2)) AS t(x, y)

-- Groups
SELECT land, count(*) AS c, count(age) AS a, sum(pay) AS s, avg(age) AS m, min(name) AS n FROM people GROUP BY land ORDER BY land
SELECT land, count(DISTINCT age) AS d, sum(DISTINCT pay) AS s FROM people GROUP BY land ORDER BY land
SELECT land, age, count(*) AS c FROM people GROUP BY ROLLUP (land, age) ORDER BY land NULLS LAST, age NULLS LAST, c
SELECT land, age, grouping(land) AS g, grouping_id() AS i, sum(pay) AS s FROM people GROUP BY CUBE (land, age) ORDER BY i, land, age
SELECT land, age, count(*) AS c FROM people GROUP BY GROUPING SETS ((land), (age), ()) ORDER BY land, age, c
SELECT count(*) FILTER (WHERE age > 30) AS a, sum(pay) FILTER (WHERE land = 'de') AS s, count_if(age = 41) AS c, any(age > 40) AS y, every(age > 20) AS e, bool_or(null) AS b FROM people
SELECT sort_array(collect_list(age)) AS l, sort_array(collect_set(age)) AS s, max_by(name, pay) AS x, min_by(name, age) AS n, mode(age) AS m, median(age) AS d, percentile(pay, 0.25) AS p, percentile_cont(0.5) WITHIN GROUP (ORDER BY age) AS pc, percentile_disc(0.5) WITHIN GROUP (ORDER BY age) AS pd, approx_percentile(age, 0.5) AS ap FROM people
SELECT approx_count_distinct(id % 100) AS a, hll_sketch_estimate(hll_sketch_agg(id % 50)) AS h, bit_and(id) AS ba, bit_or(id) AS bo, bit_xor(id) AS bx, count_min_sketch(id, 0.5D, 0.5D, 1) IS NOT NULL AS cm, histogram_numeric(id, 3) AS hn FROM range(0, 1000, 1, 1)
SELECT approx_top_k(land) FROM people
SELECT first(age, true) IS NOT NULL AS f, any_value(land) IN ('de', 'fr', 'it') AS a, try_avg(age) AS t, product.p FROM people, (SELECT aggregate(array(1, 2, 3), 1, (a, x) -> a * x) AS p) product GROUP BY product.p
SELECT sum(age) AS s, avg(age) AS a, stddev(age) AS d, typeof(sum(age)) AS ts, typeof(avg(age)) AS ta, typeof(count(*)) AS tc FROM people
SELECT sum(total) AS s, avg(total) AS a, max(total) AS m FROM orders
SELECT land, name FROM people GROUP BY land
SELECT sum(name) FROM people WHERE id = 2
SELECT max(count(*)) FROM people
SELECT land FROM people WHERE count(*) > 1
SELECT * FROM (SELECT land, age, pay FROM people) PIVOT (sum(pay) AS s, count(*) AS c FOR land IN ('de' AS d, 'fr')) ORDER BY age
SELECT * FROM (SELECT id, age, pay FROM people WHERE id < 3) UNPIVOT (v FOR k IN (age, pay)) ORDER BY id, k
SELECT * FROM (SELECT id, age, pay FROM people WHERE id < 3) UNPIVOT INCLUDE NULLS (v FOR k IN (age AS a, pay AS p)) ORDER BY id, k

-- Windows
SELECT id, row_number() OVER (PARTITION BY land ORDER BY id) AS r, rank() OVER (ORDER BY age NULLS LAST) AS k, dense_rank() OVER (ORDER BY age NULLS LAST) AS d, percent_rank() OVER (ORDER BY age, id) AS p, cume_dist() OVER (ORDER BY age, id) AS c, ntile(2) OVER (ORDER BY id) AS n FROM people ORDER BY id
SELECT id, lag(age) OVER (ORDER BY id) AS l, lead(age, 2, -1) OVER (ORDER BY id) AS e, first_value(age) OVER (ORDER BY id) AS f, last_value(age) IGNORE NULLS OVER (ORDER BY id) AS g, nth_value(age, 3) OVER (ORDER BY id) AS n, lag(age) IGNORE NULLS OVER (ORDER BY id) AS i FROM people ORDER BY id
SELECT id, sum(age) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS s, avg(age) OVER (ORDER BY id RANGE BETWEEN 2 PRECEDING AND CURRENT ROW) AS a, count(*) OVER () AS c, max(pay) OVER (PARTITION BY land) AS m, sum(age) OVER w AS t FROM people WINDOW w AS (PARTITION BY land ORDER BY id) ORDER BY id
SELECT id, day, sum(total) OVER (ORDER BY day RANGE BETWEEN INTERVAL 14 DAYS PRECEDING AND CURRENT ROW) AS s FROM orders ORDER BY id
SELECT id, sort_array(collect_list(age) OVER (PARTITION BY land)) AS l, approx_count_distinct(age) OVER (PARTITION BY land) AS c FROM people ORDER BY id
SELECT id FROM people QUALIFY row_number() OVER (ORDER BY id) = 1
SELECT id, row_number() OVER () FROM people
SELECT id FROM people WHERE row_number() OVER (ORDER BY id) = 1
SELECT count(DISTINCT age) OVER (PARTITION BY land) FROM people
SELECT sum(age) OVER (ORDER BY id ROWS BETWEEN 1 FOLLOWING AND 1 PRECEDING) FROM people

-- Joins
SELECT p.name, o.total FROM people p JOIN orders o ON p.id = o.person WHERE o.id < 4 ORDER BY o.id
SELECT p.id, o.id AS o FROM people p LEFT JOIN orders o ON p.id = o.person AND o.total > 80 ORDER BY p.id, o.id
SELECT p.id, n.id AS n FROM people p FULL OUTER JOIN (SELECT id + 3 AS id FROM people) n ON p.id = n.id ORDER BY p.id, n.id
SELECT id FROM people LEFT SEMI JOIN orders ON people.id = orders.person ORDER BY id
SELECT id FROM people LEFT ANTI JOIN orders ON people.id = orders.person
SELECT count(*) AS c FROM people, orders
SELECT a.id, b.id AS b FROM people a JOIN people b ON a.age = b.age AND a.id < b.id
SELECT a.id, b.id AS b FROM people a JOIN people b ON a.age <=> b.age ORDER BY a.id, b.id
SELECT a.id, count(*) AS c FROM people a JOIN people b ON a.age > b.age GROUP BY a.id ORDER BY a.id
SELECT id, day FROM people JOIN orders USING (id) ORDER BY id
SELECT p.id, l.t FROM people p, LATERAL (SELECT sum(total) AS t FROM orders o WHERE o.person = p.id) l ORDER BY p.id
SELECT p.id, e FROM people p LEFT JOIN LATERAL explode(if(p.id < 3, array(1, 2), array())) t(e) ON true ORDER BY p.id, e
SELECT /*+ BROADCAST(o) */ count(*) AS c FROM people p JOIN orders o ON p.id = o.person
SELECT /*+ MERGE(o) */ p.id, o.id AS o FROM people p JOIN orders o ON p.id = o.person ORDER BY p.id, o
SELECT id FROM people JOIN orders ON people.id = orders.person
SELECT * FROM people p JOIN people q ON p.nope = q.id
SELECT x.age, y.age AS b FROM VALUES (1), (null) x(age) JOIN VALUES (1), (null) y(age) ON x.age = y.age

-- Sets and subqueries
SELECT id FROM people UNION ALL SELECT id + 3 FROM people ORDER BY id
SELECT age FROM people UNION SELECT age FROM people ORDER BY age
SELECT age FROM people INTERSECT ALL SELECT age FROM people WHERE age = 41
SELECT age FROM people EXCEPT ALL SELECT 41 ORDER BY age
SELECT null AS a MINUS SELECT null
SELECT 1 AS a UNION ALL SELECT 2.5 UNION ALL SELECT 3L ORDER BY a
SELECT 1 UNION ALL SELECT 'a'
SELECT 1 UNION ALL SELECT 1, 2
SELECT array(1) UNION ALL SELECT 1
SELECT id FROM people WHERE id IN (SELECT person FROM orders) ORDER BY id
SELECT id FROM people WHERE id NOT IN (SELECT person FROM orders) ORDER BY id
SELECT id FROM people WHERE age NOT IN (SELECT age FROM people WHERE id = 2)
SELECT id FROM people p WHERE EXISTS (SELECT 1 FROM orders o WHERE o.person = p.id AND o.total > 100) ORDER BY id
SELECT id, (SELECT max(total) FROM orders o WHERE o.person = p.id) AS m FROM people p ORDER BY id
SELECT (SELECT id FROM people)
SELECT (SELECT id, name FROM people WHERE id = 1)
SELECT (SELECT id FROM none) AS n
SELECT id FROM people WHERE age = ANY (SELECT 41)
WITH a AS (SELECT 1 AS n), b AS (SELECT n + 1 AS n FROM a) SELECT * FROM a UNION ALL SELECT * FROM b ORDER BY n
WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r ORDER BY n
WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r
SELECT * FROM range(5, 0, -2) ORDER BY id
SELECT count(*) AS c, sum(id) AS s FROM range(0, 1000, 3, 7)
SELECT * FROM explode(array(1, 2))
SELECT * FROM stack(2, 1, 2, 3, 4)
SELECT * FROM nope(1)
SELECT * FROM identifier('people') WHERE id = 1
SELECT mask(str => 'Ab1', lowerChar => 'q')
SELECT mask(nope => 'Ab1')
SELECT count(*) > 100 AS c FROM sql_keywords()
SELECT monotonically_increasing_id() AS i, spark_partition_id() AS p, input_file_name() AS f FROM range(0, 3, 1, 1)
SELECT rand(1) AS r, randn(1) AS n FROM range(0, 3, 1, 1)
SELECT rand(1) AS r FROM VALUES (1), (2) t(a)

-- Scripts and variables
DECLARE VARIABLE n INT DEFAULT 5
SET VAR n = n + 1
SELECT n, session.n + 1 AS m
SET VAR n = 'x'
SET VAR nope = 1
DROP TEMPORARY VARIABLE n
BEGIN DECLARE x INT DEFAULT 1; WHILE x < 5 DO SET x = x * 2; END WHILE; SELECT x AS r; END
BEGIN DECLARE EXIT HANDLER FOR DIVIDE_BY_ZERO BEGIN SELECT 'caught' AS c; END; SELECT 1 / 0; END
BEGIN SIGNAL SQLSTATE '45000'; END
BEGIN IF 1 > 2 THEN SELECT 1; ELSE SELECT 'no' AS a; END IF; END
EXECUTE IMMEDIATE 'SELECT ? + :b AS s' USING 1, 2 AS b
EXECUTE IMMEDIATE 'SELECT ? + 1 AS s' USING 1
