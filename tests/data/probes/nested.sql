-- Arrays
SELECT array(1, 2)[0], element_at(array(1, 2), -1), get(array(1, 2), 5), try_element_at(array(1), 3), array(1, null, 3)[1], size(array()), cardinality(array(1, 2)), array_size(array(1, null))
SELECT array(1, 2)[2]
SELECT element_at(array(1, 2), 0)
SELECT element_at(array(1, 2), 3)
SELECT array(1, 2)[id] AS n FROM range(3)
SELECT array_contains(array(1, null), 1), array_contains(array(1, null), 2), array_position(array('a', 'b'), 'b'), array_remove(array(1, 2, 1), 1), array_distinct(array(1, null, 1, null)), array_union(array(1, 2), array(2, null)), array_intersect(array(1, null), array(null, 1)), array_except(array(1, 2, 2), array(1)), arrays_overlap(array(1, null), array(2)), array_compact(array(1, null, 2))
SELECT sort_array(array(3, null, 1)), sort_array(array(3, null, 1), false), array_sort(array(3, null, 1)), array_sort(array('bc', 'a'), (l, r) -> length(l) - length(r)), array_max(array(1, null, 3)), array_min(array()), array_repeat('a', 2), flatten(array(array(1), array(2, null))), flatten(array(array(1), null)), slice(array(1, 2, 3), 2, 2), slice(array(1, 2, 3), -2, 5), shuffle(array(1))
SELECT slice(array(1), 0, 1)
SELECT array_join(array('a', null, 'b'), '-'), array_join(array('a', null), '-', 'N'), arrays_zip(array(1, 2), array('a')), array_append(array(1), null), array_prepend(array(1), 0), array_insert(array(1, 2), 2, 9), array_insert(array(1), 5, 9), array_insert(array(1, 2), -1, 9), concat(array(1), array(2L)), sequence(1, 5, 2), sequence(5, 1), reverse(array(1, null))
SELECT array_insert(array(1), 0, 9)
SELECT sequence(1, 5, -1)
SELECT transform(array(1, 2), x -> x * 2), transform(array(1, 2), (x, i) -> x + i), filter(array(1, null, 3), x -> x > 1), exists(array(1, null), x -> x > 5), forall(array(), x -> false), forall(array(1, null), x -> x > 0), aggregate(array(1, 2, 3), 0, (a, x) -> a + x, a -> a * 10), reduce(array(1, 2), 10, (a, x) -> a + x), zip_with(array(1, 2), array(3), (x, y) -> coalesce(x, 0) + coalesce(y, 0))
SELECT aggregate(array(1, 2), 0, (a, x) -> a + x + 0.5)
SELECT transform(array(1), x -> y)
SELECT transform(array(id, id + 1), x -> x * id) AS t, filter(sequence(0, id), x -> x % 2 = 0) AS f FROM range(3)
SELECT array(1, 2) = array(1, 2), array(1, null) = array(1, null), array(1, 2) < array(1, 3), array(array(1)) = array(array(1)), array(1) = array(1L)
SELECT explode(array(1, null)), 'x' AS k
SELECT id, e FROM range(2) LATERAL VIEW explode(array(id, id + 10)) AS e ORDER BY e
SELECT id, p, e FROM range(1) LATERAL VIEW OUTER posexplode(array()) t AS p, e
SELECT posexplode(array('a', 'b')), 1 AS one
SELECT explode_outer(cast(null AS array<int>)) AS e
SELECT inline(array(named_struct('a', 1, 'b', 'x'), null))
SELECT stack(2, 1, 'a', 2, 'b') AS (n, c)
SELECT explode(array(1)), explode(array(2))
SELECT explode(1)
SELECT array_agg(id) FROM range(0)

-- Maps and structs
SELECT map('a', 1, 'b', null), map('a', 1)['a'], map('a', 1)['z'], element_at(map('a', 1), 'z'), map_keys(map(1, 'a')), map_values(map(1, 'a')), map_entries(map(1, 'a')), map_contains_key(map(1, 'a'), 2), size(map()), cardinality(map(1, 2))
SELECT map(1, 'a', 1, 'b')
SELECT map(null, 1)
SELECT map_from_arrays(array(1, 2), array('a', 'b')), map_from_entries(array(struct(1, 'a'))), map_concat(map(1, 'a'), map(2, 'b')), str_to_map('a:1,b'), str_to_map('a=1;b=2', ';', '='), map_filter(map(1, 2, 3, 0), (k, v) -> k > v), transform_keys(map(1, 2), (k, v) -> k + v), transform_values(map(1, 2), (k, v) -> k + v), map_zip_with(map(1, 'a'), map(1, 'b'), (k, x, y) -> concat(x, y))
SELECT map_from_arrays(array(1, null), array(1, 2))
SELECT map_from_arrays(array(1), array(1, 2))
SELECT map(1, 2) = map(1, 2)
SELECT DISTINCT map(1, 2)
SELECT map(1, 2) AS m, count(*) FROM range(2) GROUP BY m
SELECT explode(map('a', 1, 'b', 2)) AS (k, v)
SELECT named_struct('a', 1, 'b', 'x').b, struct(1, 'a'), struct(id, id + 1 AS n) FROM range(1)
SELECT s.a, s.b.c, s.* FROM (SELECT named_struct('a', 1, 'b', named_struct('c', 2)) AS s)
SELECT s.nope FROM (SELECT named_struct('a', 1) AS s)
SELECT s.a AS a, s.a + 1 AS n FROM VALUES (named_struct('a', 1)), (cast(null AS struct<a: int>)) t(s)
SELECT arr.a, arr[0].a FROM (SELECT array(named_struct('a', 1), named_struct('a', null)) AS arr)
SELECT named_struct('a', 1) = struct(1), struct(1, null) = struct(1, null), struct(1, 2) < struct(1, 3), struct(null) IS NULL, named_struct('a', null).a IS NULL, struct(1, 'a') IN (struct(1, 'a'))
SELECT k, sum(v) AS s FROM VALUES (struct(1, 'a'), 1), (struct(1, 'a'), 2), (null, 3) t(k, v) GROUP BY k ORDER BY k
SELECT named_struct('a')
SELECT named_struct(1, 2, 'a', null)

-- JSON, CSV, XML
SELECT from_json('{"a":1,"b":[1,2],"c":{"d":"x"}}', 'a int, b array<int>, c struct<d: string>'), from_json('{"a":"x"}', 'a int'), from_json('bad', 'a int'), from_json('', 'a int'), from_json(null, 'a int'), from_json('[1,2]', 'array<int>'), from_json('{"a":1}', 'map<string,int>'), from_json('{"A":1}', 'a int')
SELECT from_json('{"a":1.5}', 'a int'), from_json('{"a":"1.5"}', 'a double'), from_json('{"a":12345678901}', 'a int'), from_json('{"a":NaN}', 'a double'), from_json('{"d":"26/08/2015"}', 'd date', map('dateFormat', 'dd/MM/yyyy')), from_json('{"a":1', 'a int, _corrupt_record string'), from_json('{"a":null}', 'a int not null')
SELECT from_json('{"a":"x"}', 'a int', map('mode', 'FAILFAST'))
SELECT from_json('{}', 'a nope')
SELECT to_json(named_struct('a', 1, 'b', null, 'c', array(1, null), 'd', 1.50, 'e', double('NaN'))), to_json(map('k', struct(1))), to_json(array(map('a', 1))), to_json(named_struct('a', null), map('ignoreNullFields', 'false')), to_json(named_struct('x', x'0102', 't', true))
SELECT to_json(1)
SELECT get_json_object('{"a":{"b":[1,{"c":"x"}]}}', '$.a.b[1].c'), get_json_object('{"a":[1,2]}', '$.a[*]'), get_json_object('{"a":null}', '$.a'), get_json_object('bad', '$.a'), json_tuple.c0 FROM (SELECT json_tuple('{"a":1,"b":"x"}', 'a', 'b', 'z')) json_tuple
SELECT json_array_length('[1,[2]]'), json_array_length('{}'), json_object_keys('{"a":1,"b":2}'), schema_of_json('{"a":1,"b":[1.5],"c":null}'), schema_of_json('[]'), schema_of_csv('1,abc,2024-01-01'), schema_of_xml('<r><a>1</a></r>')
SELECT from_csv('1,abc,1.5', 'a int, b string, c double'), from_csv('x,abc', 'a int, b string'), from_csv('1|a', 'a int, b string', map('sep', '|')), to_csv(named_struct('a', 1, 'b', 'x,y', 'c', null)), to_csv(named_struct('d', date '2024-01-01'), map('dateFormat', 'dd/MM/yyyy'))
SELECT from_xml('<p><a>1</a><b>0.8</b></p>', 'a int, b double'), to_xml(named_struct('a', 1, 'b', null)), xpath_string('<a><b>x</b><b>y</b></a>', 'a/b[2]'), xpath('<a><b>1</b><b>2</b></a>', 'a/b/text()'), xpath_int('<a><b>3</b></a>', 'sum(a/b)'), xpath_boolean('<a><b>1</b></a>', 'a/b')
SELECT xpath_string('<a>', 'a')
SELECT from_json(concat('{"a":', id, '}'), 'a int').a AS a, get_json_object(concat('{"b":[', id, ']}'), '$.b[0]') AS b FROM range(3)

-- Variant
SELECT parse_json('{"a":1,"b":[1,2.5,"x",null,true]}'), typeof(parse_json('1')), parse_json('1.50'), to_json(parse_json('{"b":1,"a":[]}')), schema_of_variant(parse_json('{"a":1,"b":[1,2.5]}')), is_variant_null(parse_json('null')), parse_json(null)
SELECT parse_json('{bad')
SELECT try_parse_json('{bad'), variant_get(parse_json('{"a":{"b":5}}'), '$.a.b', 'int'), try_variant_get(parse_json('{"a":"x"}'), '$.a', 'int'), variant_get(parse_json('[1,2]'), '$[1]', 'string'), variant_get(parse_json('{"a":1}'), '$.z', 'int')
SELECT variant_get(parse_json('{"a":"x"}'), '$.a', 'int')
SELECT variant_get(parse_json('{"a":1}'), 'a', 'int')
SELECT cast(parse_json('5') AS int), parse_json('{"a":1}'):a::int, parse_json('"x"')::string, to_variant_object(named_struct('a', 1, 'b', array('x'))), cast(cast(1.5D AS variant) AS string), cast(date '2024-01-01' AS variant)::string
SELECT cast(parse_json('"x"') AS int)
SELECT pos, key, value FROM variant_explode(parse_json('{"a":1,"b":"x"}'))
SELECT parse_json('1') = parse_json('1')
SELECT parse_json('1') AS v, count(*) FROM range(1) GROUP BY 1
SELECT schema_of_variant_agg(parse_json(concat('{"a":', id, '}'))) FROM range(2)
SELECT a FROM VALUES (parse_json('1')) t(a) ORDER BY a
