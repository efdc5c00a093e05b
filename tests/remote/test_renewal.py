"""A call that is refused for its sign-in: once more with a new one, for all threads the same."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from databricks.sdk.errors import InvalidParameterValue, PermissionDenied, Unauthenticated

from harness.remote.renewal import Renewal


class Config:
    """Counts its sign-ins; a token is good until the workspace takes it no more."""

    def __init__(self, auth_type="oauth-m2m"):
        self.auth_type = auth_type
        self.token = 0

    def init_auth(self):
        """Sign in anew."""
        self.token += 1


@pytest.mark.parametrize(
    "refusal", [Unauthenticated("no"), PermissionDenied("Invalid access token."), PermissionDenied("JWT has expired")]
)
def test_a_refused_sign_in_is_made_anew(refusal):
    """And the call is made once more."""
    config, calls = Config(), []

    def call():
        calls.append(config.token)
        if not config.token:
            raise refusal
        return "answer"

    assert Renewal().around(config, call) == "answer"
    assert calls == [0, 1]


@pytest.mark.parametrize("auth_type", ["pat", "basic", "", None])
def test_what_cant_be_renewed_is_told(auth_type):
    """At once: there is nothing to sign in with but what was refused."""
    config, calls = Config(auth_type), []

    def call():
        calls.append(1)
        raise PermissionDenied("Invalid access token.")

    with pytest.raises(PermissionDenied):
        Renewal().around(config, call)
    assert (len(calls), config.token) == (1, 0)


@pytest.mark.parametrize("error", [PermissionDenied("User does not have SELECT on Table 'a.b.c'"), InvalidParameterValue("no")])
def test_another_refusal_is_no_end_of_a_sign_in(error):
    """A call that may have been carried out, or may not be made, isn't made again."""
    config, calls = Config(), []

    def call():
        calls.append(1)
        raise error

    with pytest.raises(type(error)):
        Renewal().around(config, call)
    assert (len(calls), config.token) == (1, 0)


def test_a_new_sign_in_that_isnt_taken_is_told():
    """It isn't tried for ever."""
    config, calls = Config(), []

    def call():
        calls.append(1)
        raise Unauthenticated("no")

    with pytest.raises(Unauthenticated):
        Renewal().around(config, call)
    assert (len(calls), config.token) == (2, 1)


def test_many_threads_sign_in_once():
    """Those that were refused together."""
    config, renewal, together = Config(), Renewal(), threading.Barrier(8)

    def call():
        used = config.token
        if not used:
            together.wait(10)
            raise Unauthenticated("no")
        return used

    with ThreadPoolExecutor(8) as pool:
        used = [one.result() for one in [pool.submit(renewal.around, config, call) for _ in range(8)]]

    assert (used, config.token) == ([1] * 8, 1)
