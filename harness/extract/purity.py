"""Lists of what only computes: the calls that a held-back statement may make inside a test (see ``harness.extract.safe``)."""

from __future__ import annotations

from harness.extract.quiet import MUTATORS

PURE_BUILTINS = frozenset(
    """
    abs all any ascii bin bool bytearray bytes callable chr complex dict divmod enumerate filter float format frozenset
    getattr hasattr hash hex id int isinstance issubclass iter len list map max min next object oct ord pow range repr
    reversed round set setattr slice sorted str sum tuple type zip ValueError KeyError TypeError Exception RuntimeError globals
    locals property
    """.split()  # noqa: SIM905 - a list this long is read as a text
)

# Everything callable in these modules only computes (a prefix ends with a dot).
PURE_PREFIXES = tuple(
    """
    re. math. cmath. datetime. decimal. fractions. collections. itertools. functools. operator. string. textwrap. uuid.
    enum. typing. dataclasses. types. statistics. copy. base64. hashlib. hmac. calendar. zoneinfo. random. html.
    urllib.parse. os.path. abc. numbers. contextvars. platform. dateutil. pytz. ast.literal_eval json.loads json.dumps
    yaml.safe_load tomllib.loads csv.reader csv.DictReader
    os.getenv os.environ.get os.getcwd logging.getLogger logging.Formatter pathlib.Path pathlib.PurePath
    pathlib.PurePosixPath threading.Lock threading.RLock threading.local queue.Queue time.time time.strftime time.localtime
    time.gmtime time.perf_counter time.monotonic time.strptime pyspark.sql.types. pyspark.sql.Row pyspark.StorageLevel
    inspect. difflib. unicodedata. struct. array. heapq. bisect. secrets.token getpass.getuser importlib.metadata.
    importlib.util.find_spec pydantic. faker. torch.device torch.nn. torch.tensor torch.cuda.is_available
    torchvision.transforms. sqlalchemy.create_engine sqlalchemy.MetaData langchain.text_splitter.
    langchain_text_splitters. databricks.automl_runtime.sklearn.
    """.split()  # noqa: SIM905 - a list this long is read as a text
)

# Of these, what a test may set for itself: the environment, the clock, chance. Their values are that test's alone.
AROUND = (
    "os.getenv",
    "os.environ",
    "os.getcwd",
    "time.",
    "uuid.uuid",
    "random.",
    "secrets.",
    "getpass.",
    "platform.",
    "numpy.random.",
)
AROUND_LAST = (".now", ".today", ".utcnow", ".Path.cwd", ".Path.home")

# The same, for what needs a live Spark session.
SPARK_PREFIXES = tuple(
    """
    pyspark.sql.functions. pyspark.sql.Window pyspark.sql.window. pyspark.sql.Column pyspark.ml. pyspark.sql.avro.
    delta.tables.DeltaTable.forName delta.tables.DeltaTable.forPath delta.tables.DeltaTable.isDeltaTable
    delta.DeltaTable.for
    """.split()  # noqa: SIM905 - a list this long is read as a text
)

# Pure but for the functions whose names begin so.
READ_ONLY_EXCEPT = {
    "numpy.": ("load", "save", "savez", "savetxt", "loadtxt", "fromfile", "genfromtxt", "memmap", "tofile"),
    "pandas.": ("read_", "to_pickle", "ExcelWriter", "HDFStore"),
    "sklearn.": ("fetch_", "load_svmlight", "dump_svmlight"),
}

# Whatever is asked of an object of these classes only computes.
PURE_OBJECTS = ("faker.",)

# Reads through the objects a test gives.
INJECTED_READS = tuple(
    """
    dbutils.widgets.get dbutils.widgets.getArgument dbutils.widgets.getAll dbutils.secrets.get dbutils.secrets.getBytes
    dbutils.secrets.list dbutils.jobs.taskValues.get dbutils.notebook.exit
    dbutils.notebook.entry_point dbutils.fs.ls dbutils.fs.head dbutils.fs.mounts
    spark.conf.get spark.table spark.read spark.readStream spark.createDataFrame spark.range spark.version spark.catalog
    spark.udf.register sc.broadcast sc.accumulator sc.parallelize sc.getConf sc.defaultParallelism
    spark.sparkContext.broadcast spark.sparkContext.accumulator spark.sparkContext.parallelize spark.sparkContext.getConf
    spark.sparkContext.appName sqlContext.table sqlContext.read sqlContext.createDataFrame table getArgument udf
    """.split()  # noqa: SIM905 - a list this long is read as a text
)
SPARK_ROOTS = frozenset({"spark", "sc", "sqlContext", "sql", "table", "udf"})

WIDGET_DEFINITIONS = frozenset(f"dbutils.widgets.{kind}" for kind in ("text", "dropdown", "combobox", "multiselect"))

# Methods, on whatever value, that read or make a new value. Never .write, .save, .fit, .execute, .send and their kind.
PURE_METHODS = (
    frozenset(
        """
    lower upper strip lstrip rstrip split rsplit splitlines join replace format startswith endswith title capitalize
    casefold zfill center ljust rjust encode decode isdigit isalpha isnumeric isalnum islower isupper find rfind index count
    partition rpartition removeprefix removesuffix translate expandtabs swapcase format_map get items keys values copy union
    intersection difference symmetric_difference issubset issuperset isoformat strftime strptime date time timestamp
    astimezone weekday isoweekday utctimetuple timetuple total_seconds match search fullmatch findall finditer sub subn
    group groups groupdict joinpath with_suffix with_name relative_to as_posix resolve exists is_file is_dir absolute
    getOrElse toString select selectExpr filter where withColumn withColumns withColumnRenamed withColumnsRenamed drop
    dropDuplicates drop_duplicates distinct crossJoin unionByName unionAll subtract intersect groupBy groupby rollup cube
    agg orderBy sort limit alias cast astype otherwise when over partitionBy rowsBetween rangeBetween isNull isNotNull isin
    between like rlike ilike contains desc asc desc_nulls_last asc_nulls_last desc_nulls_first asc_nulls_first substr
    getItem getField collect first head take tail toPandas toDF fillna na dropna sample sampleBy repartition coalesce hint
    describe summary crosstab freqItems approxQuantile cov corr explain cache persist unpersist printSchema option options
    schema load table csv json parquet text orc jdbc textFile format jsonValue simpleString typeName fieldNames map flatMap
    reduce mean sum min max avg std median mode nunique unique value_counts tolist to_list to_dict to_numpy to_frame
    reset_index set_index rename sort_values sort_index assign apply applymap merge pivot pivot_table melt stack unstack
    reindex round abs clip shift diff cumsum rolling resample dt str iloc loc reshape flatten ravel transpose T dot argmax
    argmin add_months isEmpty toJSON broadcast withWatermark createOrReplaceTempView createOrReplaceGlobalTempView transform
    getContext notebook getDbutils notebookPath userName tags apply apiUrl apiToken clusterId workspaceId browserHostName
    jobId currentRunId toJson currentCatalog currentDatabase tableExists databaseExists listTables listColumns listDatabases
    hexdigest digest quantize normalize to_eng_string from_iterable isocalendar ctime
    """.split()  # noqa: SIM905 - a list this long is read as a text
    )
    | MUTATORS
)

# Whatever is called through these acts on the outside.
WRITING = frozenset(
    """
    write writeStream writeTo save saveAsTable insertInto start foreach foreachPartition to_csv to_excel to_feather to_hdf
    to_parquet to_pickle to_sql to_stata
    """.split()  # noqa: SIM905 - a list this long is read as a text
)

# Statements that only show something: they are left out rather than run.
SHOWING = frozenset({"print", "display", "displayHTML", "pprint", "pprint.pprint", "help"})
SHOWING_METHODS = frozenset(
    {"debug", "info", "warning", "warn", "error", "exception", "critical", "log", "show", "printSchema"}
)

SESSION_BUILDERS = (
    "SparkSession.builder",
    "DatabricksSession.builder",
    "pyspark.sql.SparkSession.builder",
    "databricks.connect.DatabricksSession.builder",
)
