"""What Databricks' ``information_schema`` has and ours lacks: who asks for it isn't mistaken, and is told that it isn't here.

See https://docs.databricks.com/sql/language-manual/sql-ref-information-schema.html and a page for each relation below it.
"""

from __future__ import annotations

import re

_COLUMN = re.compile(
    r"\[UNRESOLVED_COLUMN\.\w+\] A column, variable, or function parameter with name `(.+?)` cannot be resolved"
)
_RELATION = re.compile(
    r"\[TABLE_OR_VIEW_NOT_FOUND\] The table or view (?:`[^`]+`\.)?`information_schema`\.`(\w+)` cannot be found", re.IGNORECASE
)
# Spark's errors end with the plan, which names what was read.
_READ = re.compile(r"\] [^\s\]]+\.information_schema\.(\w+)$", re.MULTILINE)

_LACKING_RELATIONS = (
    "catalog_provider_share_usage catalog_tags check_constraints column_masks column_tags connection_privileges connections "
    "constraint_column_usage constraint_table_usage credential_privileges credentials external_location_privileges "
    "external_locations information_schema_catalog_name key_column_usage metastore_privileges metastores parameters "
    "providers recipient_allowed_ip_ranges recipient_tokens recipients referential_constraints routine_columns "
    "routine_privileges row_filters schema_share_usage schema_tags share_recipient_privileges shares "
    "storage_credential_privileges storage_credentials table_share_usage table_tags volume_privileges volume_tags"
)
_CHANGES = "created created_by last_altered last_altered_by"
_TYPES = (
    "character_maximum_length character_octet_length numeric_precision numeric_precision_radix numeric_scale "
    "datetime_precision interval_type interval_precision maximum_cardinality"
)
_PRIVILEGES = "grantor is_grantable inherited_from"
_LACKING_COLUMNS = {
    "catalogs": "last_altered last_altered_by",
    "schemata": _CHANGES,
    "tables": f"{_CHANGES} commit_action storage_path storage_sub_directory",
    "columns": f"{_TYPES} column_default is_identity identity_generation identity_start identity_increment identity_maximum "
    "identity_minimum identity_cycle is_generated generation_expression is_system_time_period_start "
    "is_system_time_period_end system_time_period_timestamp_generation is_updatable partition_index",
    "views": "check_option is_updatable sql_path",
    "volumes": _CHANGES,
    "routines": f"{_CHANGES} {_TYPES} specific_catalog specific_schema specific_name full_data_type routine_owner "
    "external_name external_language parameter_style is_deterministic sql_data_access is_null_call security_type sql_path",
    "table_constraints": "is_deferrable initially_deferred comment",
    "table_privileges": _PRIVILEGES,
    "schema_privileges": _PRIVILEGES,
    "catalog_privileges": _PRIVILEGES,
}


def lacking(error: str) -> str:
    """Why an error of Spark's is no fault of who asked ``information_schema``; "" if it is none of these."""
    found = _RELATION.search(error)
    if found is not None and found[1].lower() in _LACKING_RELATIONS.split():
        return f"information_schema.{found[1].lower()} is on Databricks only; leave it out here, or run this test on Databricks"
    found = _COLUMN.search(error)
    if found is None:
        return ""
    column = found[1].rpartition("`.`")[2].lower()
    for relation in _READ.findall(error):
        if column in _LACKING_COLUMNS.get(relation.lower(), "").split():
            return (
                f"the column {column} of information_schema.{relation.lower()} is on Databricks only; "
                "leave it out here, or run this test on Databricks"
            )
    return ""
