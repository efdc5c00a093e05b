from __future__ import annotations

import pytest

from harness.errors import SettingsError
from harness.settings import settings_from


def test_secrets_name_variables():
    """By scope and key."""
    table = {"secrets": {"my-scope": {"api-token": "MY_API_TOKEN"}, "empty": {}}}

    assert settings_from(table, "/repo").secrets == {"my-scope": {"api-token": "MY_API_TOKEN"}, "empty": {}}


@pytest.mark.parametrize("value", ["hunter2", "dapi123-456", "", 5, {"a": "B"}, "lower_case"])
def test_a_secret_in_the_file_is_refused(value):
    """And isn't shown: it may be one."""
    with pytest.raises(SettingsError, match="not the name of a variable") as caught:
        settings_from({"secrets": {"my-scope": {"api-token": value}}}, "/repo")

    assert value == "" or str(value) not in str(caught.value)


@pytest.mark.parametrize("secrets", [[], "x", {"my-scope": "hunter2"}])
def test_a_table_of_scopes(secrets):
    """Anything else is refused."""
    with pytest.raises(SettingsError, match="secrets is not a table of scopes") as caught:
        settings_from({"secrets": secrets}, "/repo")

    assert "hunter2" not in str(caught.value)
