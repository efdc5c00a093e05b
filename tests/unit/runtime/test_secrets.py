from __future__ import annotations

import base64

import pytest

from harness.errors import DbutilsArgumentError, SecretNotFoundError
from harness.runtime.secrets import SecretMetadata, Secrets, SecretStore, variable_of


def secrets(store):
    """The part, with this store behind it."""
    answers = {"secret": store.get, "secret_keys": store.keys, "secret_scopes": store.scopes}
    answers["secret_bytes"] = lambda **asked: base64.b64encode(store.get_bytes(**asked)).decode()
    return Secrets(lambda what, **asked: answers[what](**asked))


def test_the_test_wins_over_variables():
    """What stands closest is meant."""
    env = {"NBH_SECRET_APP_TOKEN": "variable", "NAMED": "setting"}
    named = {"app": {"token": "NAMED"}}

    assert SecretStore({"app": {"token": "test"}}, named, env).get("app", "token") == "test"
    assert SecretStore({}, named, env).get("app", "token") == "variable"
    assert SecretStore({}, named, {"NAMED": "setting"}).get("app", "token") == "setting"


def test_a_variable_needs_no_setting():
    """Its name is made of the two, whatever signs they hold."""
    assert variable_of("my-scope", "api.token 1") == "NBH_SECRET_MY_SCOPE_API_TOKEN_1"
    assert SecretStore(env={"NBH_SECRET_MY_SCOPE_API_TOKEN_1": ""}).get("my-scope", "api.token 1") == ""


def test_texts_bytes_and_names():
    """As Databricks gives them."""
    part = secrets(SecretStore({"app": {"b": "ü", "a": "x"}}, {"db": {"password": "DB_PASSWORD"}}, {}))

    assert part.get(scope="app", key="b") == "ü"
    assert part.getBytes("app", "b") == b"\xc3\xbc"
    assert part.list("app") == [SecretMetadata("a"), SecretMetadata("b")]
    assert [scope.name for scope in part.listScopes()] == ["app", "db"]
    assert part.listScopes()[0].getName() == "app"


def test_a_missing_secret():
    """The full text, with Databricks' own words in it."""
    with pytest.raises(SecretNotFoundError) as caught:
        SecretStore({"app": {"token": "x"}}, {}, {}).get("app", "tokne")

    assert str(caught.value) == (
        'NBH355 there is no secret "tokne" in the scope "app"\n'
        "  cause: java.lang.IllegalArgumentException: Secret does not exist with scope: app and key: tokne\n"
        "         known by name: app: token\n"
        '  mend:  did you mean "token"? if not, set the variable NBH_SECRET_APP_TOKNE, or give it in the test: '
        '@pytest.mark.nbh_secrets({"app": {"tokne": …}})\n'
        "  more:  docs/errors.md#nbh355"
    )


def test_a_variable_that_is_not_set():
    """It is named: that is what has to be mended."""
    with pytest.raises(SecretNotFoundError, match=r"variable DB_PASSWORD, which .* names for it, is not set"):
        SecretStore({}, {"db": {"password": "DB_PASSWORD"}}, {}).get("db", "password")


def test_a_missing_scope():
    """Databricks' own words again."""
    with pytest.raises(SecretNotFoundError, match=r'Scope ap does not exist!(.|\n)*did you mean "app"?'):
        SecretStore({"app": {"token": "x"}}, {}, {}).keys("ap")


def test_what_is_missing_in_a_workspace():
    """Neither a variable nor a test's mark would reach a notebook there, so none is advised."""
    store = SecretStore({}, {"app": {"token": "APP_TOKEN"}}, {}, is_workspaces=True)

    for asked in (lambda: store.get("app", "tokne"), lambda: store.keys("ap")):
        with pytest.raises(SecretNotFoundError, match=r"put it there \(client\.secrets\.put_secret") as caught:
            asked()
        assert "nbh_secrets" not in str(caught.value)
        assert "NBH_SECRET_" not in str(caught.value)


@pytest.mark.parametrize(("scope", "key"), [(1, "a"), ("a", None), ("a", b"a")])
def test_names_are_texts(scope, key):
    """Anything else is refused."""
    with pytest.raises(DbutilsArgumentError, match="is not a text"):
        secrets(SecretStore()).get(scope, key)
