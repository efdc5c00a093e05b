"""Run notebooks on a Databricks workspace, through databricks-sdk alone."""
