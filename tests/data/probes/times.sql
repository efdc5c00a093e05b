-- Dates and timestamps in UTC
SELECT date '2024-02-29' + 1, date '2024-02-29' - 1, date_add(date '2024-12-31', 1), date_sub('2024-01-01', 1), datediff('2024-03-01', '2024-02-01'), date '2024-03-01' - date '2024-02-01', add_months('2024-01-31', 1), add_months('2023-03-31', -1), months_between('2024-03-31', '2024-02-29'), months_between('2024-03-31 12:00:00', '2024-02-29', false)
SELECT year(d), quarter(d), month(d), day(d), dayofweek(d), weekday(d), dayofyear(d), weekofyear(d), last_day(d), next_day(d, 'MON'), trunc(d, 'MM'), trunc(d, 'week'), trunc(d, 'x'), dayname(d), monthname(d) FROM VALUES (date '2024-12-30') t(d)
SELECT hour(t), minute(t), second(t), extract(SECOND FROM t), date_part('dow', t), date_part('milliseconds', t), extract(YEAROFWEEK FROM t), extract(WEEK FROM t), date_trunc('HOUR', t), date_trunc('quarter', t), date_trunc('MILLISECOND', t), date_trunc('nope', t) FROM VALUES (timestamp '2024-12-30 23:59:59.123456') t(t)
SELECT date_part('nope', date '2024-01-01')
SELECT date '1582-10-15' - 1, date '0001-01-01', date '9999-12-30' + 1, date '1500-02-28' + 1, timestamp '0001-01-01 00:00:00', timestamp '9999-12-31 23:59:59.999999'
SELECT date '2024-02-30'
SELECT timestamp 'x'
SELECT make_date(2024, 2, 29), make_timestamp(2024, 2, 29, 1, 2, 3.5), make_timestamp_ntz(2024, 1, 1, 0, 0, 60), make_timestamp_ltz(2024, 1, 1, 0, 0, 0, 'Asia/Tokyo'), make_timestamp(2024, 1, 1, 0, 0, null)
SELECT make_date(2024, 2, 30)
SELECT make_timestamp(2024, 1, 1, 25, 0, 0)
SELECT try_make_timestamp(2024, 1, 1, 25, 0, 0), try_to_timestamp('x'), try_to_date('x'), cast(make_interval(1, 2, 3, 4, 5, 6, 7.5) AS string), make_dt_interval(1, 2, 3, 4.5), cast(make_ym_interval(1, 14) AS string)
SELECT to_date('2024-03-04'), to_date('04/03/2024', 'dd/MM/yyyy'), to_date(null), to_timestamp('2024-03-04 05:06'), to_timestamp('04.03.24 05', 'dd.MM.yy HH'), to_timestamp_ntz('2024-03-04'), to_timestamp_ltz('2024-03-04 01:02:03Z')
SELECT to_date('x')
SELECT to_date('2024-02-30', 'yyyy-MM-dd')
SELECT to_timestamp('2024', 'dd')
SELECT to_date('2024-03-04', 'YYYY-MM-dd')
SELECT to_timestamp('2024-03-04 5', 'yyyy-MM-dd HH')
SELECT date_format(timestamp '2024-03-04 15:06:07.089', 'yyyy-MM-dd HH:mm:ss.SSS'), date_format(date '2024-03-04', 'EEEE d MMMM y G'), date_format(timestamp '2024-03-04 15:06:07', 'h:mm a, D, Q, E'), date_format('2024-03-04', 'VV XXX'), date_format(date '2024-12-30', '\'week\' dd')
SELECT date_format(date '2024-03-04', 'YYYY')
SELECT date_format(date '2024-03-04', 'bbb')
SELECT unix_timestamp('2024-03-04 05:06:07'), unix_timestamp('04/03/2024', 'dd/MM/yyyy'), from_unixtime(0), from_unixtime(1709528767, 'yyyy'), to_unix_timestamp('2024-03-04 05:06:07'), unix_date(date '2024-01-01'), unix_seconds(timestamp '2024-01-01'), unix_millis(timestamp '2024-01-01 00:00:00.123'), unix_micros(timestamp '2024-01-01')
SELECT timestamp_seconds(1.5), timestamp_millis(1500), timestamp_micros(-1), date_from_unix_date(-1)
SELECT timestamp_seconds(1e18)
SELECT timestampadd(MONTH, 1, timestamp '2024-01-31 10:00:00'), timestampdiff(MONTH, timestamp '2024-01-31', timestamp '2024-02-29'), dateadd(DAY, 3, date '2024-01-01'), datediff(HOUR, timestamp '2024-01-01', timestamp '2024-01-02 01:30:00'), timestampdiff(YEAR, date '2020-02-29', date '2024-02-28')
SELECT timestampadd(NOPE, 1, timestamp '2024-01-31')
SELECT timestamp_ntz '2024-01-01 00:00:00' = timestamp '2024-01-01 00:00:00', timestamp_ntz '2024-01-01 12:00:00' + interval 1 hour, timestamp_ntz '2024-01-02' - timestamp_ntz '2024-01-01', cast(timestamp_ntz '2024-01-01 12:00:00' AS date), typeof(timestamp_ntz '2024-01-01' + interval 1 month)
SELECT current_date() = date(now()), current_timestamp() = now(), typeof(localtimestamp()), current_timezone(), typeof(curdate())
SELECT window.start, window.end, c FROM (SELECT window(t, '10 minutes') AS window, count(*) AS c FROM VALUES (timestamp '2024-01-01 00:05:00'), (timestamp '2024-01-01 00:15:00'), (timestamp '2024-01-01 00:16:00') t(t) GROUP BY 1) ORDER BY 1
SELECT session_window.end, c FROM (SELECT session_window(t, '5 minutes') AS session_window, count(*) AS c FROM VALUES (timestamp '2024-01-01 00:01:00'), (timestamp '2024-01-01 00:04:00'), (timestamp '2024-01-01 00:16:00') t(t) GROUP BY 1) ORDER BY 1
SELECT sequence(date '2024-01-30', date '2024-03-01', interval 1 month), sequence(timestamp '2024-01-01', timestamp '2024-01-02', interval 12 hours), sequence(date '2024-01-03', date '2024-01-01')
SELECT date_add(date '2024-02-27', cast(id AS int)) AS d, timestamp '2024-02-28 23:00:00' + make_interval(0, 0, 0, 0, id) AS t, date_format(date_add(date '2024-02-27', cast(id AS int)), 'E dd') AS f FROM range(4)
SELECT max(d), min(d), count(DISTINCT d), avg(i), sum(i) FROM VALUES (date '2024-01-01', interval 1 day), (null, null), (date '2023-01-01', interval 3 day) t(d, i)
SELECT time '12:34:56.789', hour(time '12:34:56'), cast('23:59:59' AS time), time '01:00:00' < time '02:00:00', to_time('10:11', 'HH:mm'), make_time(1, 2, 3.5), typeof(time '01:02:03')
SELECT time '25:00:00'
SELECT time_trunc('HOUR', time '12:34:56'), time_diff('MINUTE', time '12:00:00', time '12:34:56'), time '12:00:00' + interval '1' hour

-- Intervals
SELECT interval 1 day, cast(interval '1-2' year to month AS string), interval '1 02:03:04.567' day to second, interval -3 hours, interval '5' second, - interval 1 day
SELECT cast(interval 1 month + interval 2 months AS string), interval 1 day * 2, interval 1 day / 2, interval 1 day > interval 23 hours, interval 1 year = interval 12 months, abs(interval -1 day), sign(interval -1 month)
SELECT interval 1 month + interval 1 day
SELECT interval 2147483647 month + interval 1 month
SELECT interval 106751991 day * 2
SELECT interval 1 day / 0
SELECT interval 'x' day
SELECT interval '1 month 2 days'
SELECT date '2024-01-31' + interval 1 month, timestamp '2024-01-31 10:00:00' - interval '1 2:00' day to minute, date '2024-01-01' + interval 1 hour, date '2024-03-31' - interval 1 month
SELECT extract(DAY FROM interval '1 02:03' day to minute), extract(MONTH FROM interval '1-2' year to month), extract(HOUR FROM interval 27 hours)
SELECT make_interval(0, 1, 0, 1)
SELECT cast(make_interval(0, 1, 0, 1) AS string), timestamp '2024-01-31 00:00:00' + make_interval(0, 1, 0, 1)
SELECT cast(sum(i) AS string), cast(avg(i) AS string), cast(max(i) AS string) FROM VALUES (interval 1 month), (interval 3 month) t(i)
SELECT i FROM VALUES (interval 1 day), (interval 30 hour), (null) t(i) ORDER BY i DESC
SELECT justify.v FROM (SELECT interval '100' hour AS v) justify

-- A zone with summer time
-- set spark.sql.session.timeZone = Europe/Berlin
SELECT timestamp '2024-03-31 02:30:00', timestamp '2024-10-27 02:30:00', timestamp '2024-03-31 01:59:59' + interval 1 second, timestamp '2024-10-27 01:30:00' + interval 1 hour, timestamp '2024-10-27 01:30:00' + interval 2 hour
SELECT timestamp '2024-03-30 12:00:00' + interval 1 day, timestamp '2024-03-30 12:00:00' + interval 24 hours, date '2024-03-31' + interval 1 day, unix_timestamp('2024-03-31 03:00:00') - unix_timestamp('2024-03-31 01:00:00')
SELECT cast(timestamp '2024-07-01 00:00:00' AS string), cast(timestamp '2024-07-01 00:00:00Z' AS string), date_format(timestamp '2024-07-01 00:00:00Z', 'yyyy-MM-dd HH:mm XXX zzz'), from_unixtime(0), to_date(timestamp '2024-06-30 23:00:00Z'), current_timezone()
SELECT from_utc_timestamp('2024-03-31 00:59:59', 'Europe/Berlin'), to_utc_timestamp('2024-03-31 02:30:00', 'Europe/Berlin'), convert_timezone('UTC', 'Asia/Tokyo', timestamp_ntz '2024-01-01 00:00:00'), convert_timezone('America/New_York', timestamp_ntz '2024-01-01 12:00:00')
SELECT from_utc_timestamp('2024-01-01', 'Nope/Zone')
SELECT timestamp_ntz '2024-03-31 02:30:00' = timestamp '2024-03-31 02:30:00', cast(timestamp_ntz '2024-03-31 02:30:00' AS timestamp), cast(timestamp '2024-07-01 00:00:00Z' AS timestamp_ntz), timestamp '1893-04-01 00:00:00', timestamp '1600-01-01 00:00:00'
SELECT date_trunc('DAY', timestamp '2024-03-31 12:00:00'), date_trunc('HOUR', timestamp '2024-10-27 02:30:00'), hour(timestamp '2024-07-01 00:00:00Z'), day(timestamp '2024-06-30 23:00:00Z'), datediff(timestamp '2024-06-30 23:00:00Z', date '2024-06-30')
SELECT window.start, window.end FROM (SELECT window(t, '1 day') AS window FROM VALUES (timestamp '2024-03-31 12:00:00') t(t))
SELECT to_json(named_struct('t', timestamp '2024-07-01 00:00:00', 'd', date '2024-07-01', 'n', timestamp_ntz '2024-07-01 00:00:00')), from_json('{"t":"2024-07-01 00:00:00"}', 't timestamp'), to_csv(named_struct('t', timestamp '2024-07-01 00:00:00'))
SELECT sequence(timestamp '2024-03-30 12:00:00', timestamp '2024-04-01 12:00:00', interval 1 day), timestampdiff(HOUR, timestamp '2024-03-31 00:00:00', timestamp '2024-04-01 00:00:00'), months_between(timestamp '2024-03-31', timestamp '2024-02-29')
-- reset
-- set spark.sql.session.timeZone = +05:30
SELECT timestamp '2024-01-01 00:00:00', cast(timestamp '2024-01-01 00:00:00Z' AS string), date_format(timestamp '2024-01-01', 'XXX VV')
-- reset
-- set spark.sql.timestampType = TIMESTAMP_NTZ
SELECT typeof(timestamp '2024-01-01 00:00:00'), to_timestamp('2024-01-01'), typeof(cast('2024-01-01' AS timestamp))
-- reset
-- set spark.sql.legacy.timeParserPolicy = LEGACY
SELECT to_date('2024-3-4', 'yyyy-MM-dd'), to_timestamp('2024-03-04 5', 'yyyy-MM-dd HH'), date_format(date '2024-12-30', 'YYYY'), to_date('2024-02-30', 'yyyy-MM-dd')
-- reset
-- set spark.sql.legacy.timeParserPolicy = CORRECTED
SELECT to_date('2024-3-4', 'yyyy-MM-dd')
-- reset
SELECT to_date('2024-3-4', 'yyyy-MM-dd')
