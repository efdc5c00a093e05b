"""The Spark engine: which Java, which settings, one session for a pytest process."""
