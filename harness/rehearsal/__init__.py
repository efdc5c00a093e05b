"""A Databricks workspace served from this machine, for Databricks' own clients."""
