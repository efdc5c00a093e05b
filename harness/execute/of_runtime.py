"""Modules that a notebook finds on Databricks without installing them, and that aren't in this environment."""

from __future__ import annotations

DATABRICKS_ONLY = {
    "dlt": "a pipeline's notebook runs in a pipeline of Databricks; test its functions by themselves",
    "dbruntime": "it is a part of Databricks' own runtime",
    "databricks.automl": "AutoML runs on Databricks; leave the cell out by skip_cells",
}
"""Modules that no other place has, and what to do without them."""

# "Installed Python libraries" and "Python libraries on CPU clusters" of the release notes, by the names that they are imported
# under: https://docs.databricks.com/release-notes/runtime/
_OF_RUNTIMES = {
    "Databricks Runtime": """
        azure.core azure.identity azure.storage boto3 botocore bs4 chardet cryptography dateutil fsspec google.cloud ipywidgets
        isodate jinja2 jmespath joblib jwt matplotlib mlflow numpy pandas patsy PIL plotly psutil psycopg2 pyarrow pydantic
        pyodbc pytz requests s3transfer scipy seaborn sklearn sqlparse statsmodels tenacity yaml
    """,
    "Databricks Runtime for Machine Learning": """
        accelerate databricks.feature_engineering databricks.feature_store datasets evaluate graphframes hyperopt keras lightgbm
        nltk optuna prophet ray sentence_transformers shap spacy sparkdl tensorflow tokenizers torch torchvision transformers
        xgboost
    """,
}


def why_missing(name: str) -> str:
    """Why it is no fault of the notebook's that this module isn't here; "" where that can't be told."""
    if name in DATABRICKS_ONLY:
        return f"the module {name} is Databricks only: {DATABRICKS_ONLY[name]}"
    return next(filter(None, (_comes_with(runtime, name) for runtime in _OF_RUNTIMES)), "")


def why_not_there(name: str) -> str:
    """Why this module isn't here though a notebook finds it on every cluster; "" where it may be missing there, too."""
    return _comes_with("Databricks Runtime", name)


def _comes_with(runtime: str, name: str) -> str:
    if any(name == known or name.startswith(f"{known}.") for known in _OF_RUNTIMES[runtime].split()):
        return f"the module {name} comes with {runtime}; here it is to be installed in the environment of the tests"
    return ""
