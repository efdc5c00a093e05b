SELECT length('añb'), char_length('日本'), octet_length('日本'), bit_length('a'), length(x'0102'), length(''), length(null), length('a ')
SELECT upper('straße'), lower('ÄÖ'), initcap('hello wORLD-x'), ucase('i'), lcase('İ'), reverse('añb'), reverse(array(1, 2, 3))
SELECT substring('Spark', 2), substring('Spark', -3), substring('Spark', 0, 2), substr('Spark' FROM 2 FOR 3), substring('日本語', 2, 1), left('Spark', 2), right('Spark', 2), right('a', 0), substring('abc', 5), substring('abc', -5, 3)
SELECT trim('  a '), ltrim('  a '), rtrim(' a  '), trim(BOTH 'x' FROM 'xxaxx'), trim(LEADING 'xy' FROM 'xyxa'), btrim('  b  '), btrim('xbx', 'x'), trim('\t a')
SELECT lpad('a', 3, 'xy'), rpad('abc', 2), lpad('a', 5), rpad('a', 3, ''), lpad(x'01', 3, x'ff'), repeat('ab', 3), repeat('a', 0), repeat('a', -1), space(3)
SELECT instr('Spark', 'ar'), locate('a', 'banana', 3), position('n' IN 'banana'), find_in_set('b', 'a,b,c'), find_in_set('a,b', 'a,b'), substring_index('a.b.c', '.', 2), substring_index('a.b.c', '.', -1)
SELECT replace('abcabc', 'b'), replace('abcabc', 'b', 'X'), translate('AaBbCc', 'abc', '12'), overlay('Spark SQL' PLACING '_' FROM 6), overlay('Spark SQL', 'ANSI ', 7, 0), concat_ws('-', 'a', null, array('b', null, 'c')), concat_ws(',', array()), concat('a', null)
SELECT split('a1b2c', '[0-9]'), split('a,b,,', ','), split('a,b,,', ',', -1), split('a,b,c', ',', 2), split('abc', ''), split('', ','), split_part('a.b.c', '.', 2), split_part('a.b.c', '.', -1), split_part('a', '.', 5), split(null, ',')
SELECT split_part('a', '.', 0)
SELECT startswith('Spark', 'Sp'), endswith('Spark', 'k'), contains('Spark', 'par'), contains(null, 'a'), startswith(x'0102', x'01'), 'Spark' LIKE 'S%', 'Spark' LIKE '_park', 'a%b' LIKE 'a\\%b', 'A' ILIKE 'a', 'x' LIKE ANY ('a', 'x'), 'x' LIKE ALL ('x', '%'), 'a_b' LIKE 'a|_b' ESCAPE '|'
SELECT 'a' LIKE 'a\\'
SELECT 'x' NOT LIKE ALL ('a', null), 'x' LIKE ANY ('a', null), null LIKE 'a'
SELECT 'Spark 4.2' RLIKE '\\d+\\.\\d+', regexp('abc', '^a.c$'), regexp_like('a\nb', 'a.b'), regexp_like('ABC', '(?i)abc'), 'x' RLIKE ''
SELECT 'a' RLIKE '('
SELECT regexp_extract('100-200', '(\\d+)-(\\d+)', 1), regexp_extract('100-200', '(\\d+)-(\\d+)'), regexp_extract('abc', '(\\d+)', 1), regexp_extract('abc', '(x)?b', 1), regexp_extract_all('1a2b3', '(\\d)([a-z])?', 2), regexp_count('Steven Jones', 'te'), regexp_instr('abcabc', 'c'), regexp_substr('a1b22', '\\d+'), regexp_substr('abc', '\\d')
SELECT regexp_extract('a', '(a)', 2)
SELECT regexp_replace('100-200', '(\\d+)', 'n$1'), regexp_replace('aaa', 'a', 'b', 2), regexp_replace('abc', '', '-'), regexp_replace('x', null, 'y'), regexp_replace('a.b', '\\.', '\\$')
SELECT ascii('A'), ascii(''), ascii('é'), chr(65), chr(256), char(-1), base64('Spark'), unbase64('U3Bhcms='), encode('é', 'utf-8'), encode('é', 'ISO-8859-1'), decode(x'C3A9', 'utf-8'), hex('Spark'), unhex('4G'), unhex('537'), to_char(x'c3a9', 'utf-8')
SELECT encode('日', 'US-ASCII')
SELECT decode(x'ff', 'utf-8')
SELECT encode('a', 'nope')
SELECT md5('Spark'), sha('Spark'), sha1('Spark'), sha2('Spark', 256), sha2('Spark', 224), sha2('Spark', 7), crc32('Spark'), hash('Spark', 1, null), xxhash64('Spark', 1, null), hash(array(1, 2), named_struct('a', 1.5)), hash(1L), hash(1), hash(-0.0D), xxhash64(1.0BD)
SELECT hash(id) AS h, xxhash64(id, 'a') AS x, md5(cast(id AS string)) AS m FROM range(4)
SELECT hash(map(1, 2))
SELECT soundex('Miller'), levenshtein('kitten', 'sitting'), levenshtein('kitten', 'sitting', 2), levenshtein('', 'a'), soundex(''), sentences('Hi there! Good morning.'), sentences('')
SELECT format_string('%d %s %5.2f %05d %x %%', 7, 'a', 1.239D, 42, 255), printf('%s', null), format_number(1234567.891, 2), format_number(12332.123456, '##,###.####'), format_number(0.5, 0), format_number(-1.5, 1)
SELECT format_string('%d', 'a')
SELECT format_string('%0$s', 'a')
SELECT to_number('1,234.56', '9,999.99'), to_number('$78.12', '$99.99'), to_number('-5', 'S9'), to_number('<12>', '99PR'), try_to_number('x', '999'), to_char(1234.5, '9,999.99'), to_char(-7, 'S99'), to_char(123456, '999'), to_varchar(12, '0000')
SELECT to_number('x', '999')
SELECT to_number('1', 'bad')
SELECT url_encode('a b&c/é'), url_decode('a+b%26c'), try_url_decode('%zz'), parse_url('http://u@h.com:80/p?q=1&r=2#f', 'QUERY', 'r'), parse_url('http://h.com/p?q=1', 'PATH'), parse_url('http://h.com', 'REF')
SELECT url_decode('%zz')
SELECT parse_url('inva lid://x', 'HOST')
SELECT mask('AbCD123-@$#'), mask('AbCD123', 'Q'), mask('AbCD123', null, 'q', 'd'), mask('A1', 'X', 'x', 'n', 'o'), luhn_check('79927398713'), luhn_check('1'), is_valid_utf8('a'), make_valid_utf8('a'), validate_utf8('a'), try_validate_utf8(x'80')
SELECT validate_utf8(x'80')
SELECT elt(1, 'a', 'b'), elt(2, 'a', 'b'), field.v FROM (SELECT elt(2, 'x', null) AS v) field
SELECT elt(5, 'a', 'b')
SELECT quote('a''b'), "double", 'it''s', 'a' 'b', r'\d', 'tab\there', '\u00e9', '\x41', 'new\nline', E'x' FROM (SELECT 1 AS e)
SELECT 'a' < 'B', 'a' < 'á', 'Z' < 'a', 'a' = 'a ', '' = ' ', 'é' = 'e\u0301', length('e\u0301')
SELECT to_binary('616263', 'hex'), to_binary('abc', 'utf-8'), to_binary('YWJj', 'base64'), try_to_binary('zz', 'hex'), x'1F' || x'20', substring(x'0102030405', 2, 2), aes_decrypt(unbase64('y5la3muiuxN2suj6VsYB49skdNzZ6Umrrr00+KqgqwTz0bYQ'), 'abcdefghijklmnop') IS NULL
SELECT to_binary('zz', 'hex')
SELECT aes_decrypt(x'00', 'short')
SELECT concat('n', id) AS c, lpad(id, 3, '0') AS p, upper(concat('x', id)) AS u, substring('abcdef', id + 1, 2) AS s, repeat('z', id) AS r FROM range(4)
SELECT length(repeat('x', 3000000)) AS n, md5(repeat('é', 1000000)) AS m
SELECT substr(k, 1, 1) AS first, length(k) AS n, c FROM (SELECT k, count(*) AS c FROM (SELECT repeat(char(65 + id % 2), 2000000) AS k FROM range(4)) GROUP BY k) ORDER BY first
SELECT listagg(c, ',') WITHIN GROUP (ORDER BY c DESC) AS l, string_agg(DISTINCT c) WITHIN GROUP (ORDER BY c) AS s FROM VALUES ('a'), ('b'), (null), ('a') t(c)
SELECT randstr(5, 0), uniform(1, 10, 0), length(uuid()), randstr(3, 1) = randstr(3, 1)
SELECT current_user() = user(), session_user() = current_user(), length(version()) > 5, typeof(version())

-- Collations
SELECT 'a' COLLATE UTF8_LCASE = 'A', collation('a'), collation('a' COLLATE UNICODE_CI), 'é' COLLATE UNICODE_AI = 'e', 'ß' COLLATE UNICODE_CI = 'SS', 'a' COLLATE de = 'A', 'a ' COLLATE UTF8_BINARY_RTRIM = 'a'
SELECT contains('ABC' COLLATE UTF8_LCASE, 'b'), replace('aAa' COLLATE UTF8_LCASE, 'A', 'x'), startswith('ABC' COLLATE UNICODE_CI, 'a'), upper('a' COLLATE UTF8_LCASE), instr('XaY' COLLATE UTF8_LCASE, 'A'), split('aXbxc' COLLATE UTF8_LCASE, 'x')
SELECT c FROM VALUES ('b'), ('A'), ('a'), ('B') t(c) ORDER BY c COLLATE UNICODE, c
SELECT lower(c) AS c, n FROM (SELECT c COLLATE UTF8_LCASE AS c, count(*) AS n FROM VALUES ('b'), ('A'), ('a'), ('B') t(c) GROUP BY 1) ORDER BY 1
SELECT count(DISTINCT c COLLATE UTF8_LCASE) AS n, lower(min(c COLLATE UTF8_LCASE)) AS m FROM VALUES ('b'), ('A'), ('a') t(c)
SELECT a.c, b.c AS d FROM VALUES ('x') a(c) JOIN VALUES ('X'), ('y') b(c) ON a.c COLLATE UTF8_LCASE = b.c COLLATE UTF8_LCASE
SELECT 'a' COLLATE nope
SELECT 'a' COLLATE UTF8_LCASE || 'b' COLLATE UNICODE
SELECT typeof('a' COLLATE UNICODE), typeof(array('a' COLLATE UNICODE_CI)), cast('a' AS string COLLATE UTF8_LCASE) = 'A'
