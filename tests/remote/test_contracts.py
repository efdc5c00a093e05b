"""What is written down of an answer, and how another one differs from it."""

from __future__ import annotations

import json

import pytest

from harness.remote.contracts import Contract, differences, merged, read_contract, shape_of
from harness.remote.errors import ContractError
from harness.remote.vocabulary import vocabulary

SECRETS = (
    "Ann",
    "ann@acme.example",
    "dapi0123456789abcdef",
    "adb-77.azuredatabricks.net",
    "acme_sales",
    "RUNNING_ACME",
    "4711",
)
ANSWER = {
    "cluster_id": "4711-acme",
    "state": "RUNNING",
    "life_cycle_state": "RUNNING_ACME",
    "cluster_name": "RUNNING",
    "state_message": "ann@acme.example started adb-77.azuredatabricks.net",
    "custom_tags": {"acme_sales": "Ann", "dapi0123456789abcdef": 4711},
    "num_workers": 4711,
    "executors": [{"host_private_ip": "10.0.0.1", "start_timestamp": 4711}, {"host_private_ip": "10.0.0.2"}],
}


def contract(shape, status=200):
    """One of a call that is read whole."""
    return Contract("step", "GET /x", status, shape, "workspace", "2026-11-29", "0.156.0")


def test_only_words_of_the_api_are_written_down():
    """No value, and no key of a user's own; a constant only where the API has it, in a field that tells one."""
    shape = shape_of(ANSWER, vocabulary())

    assert shape == {
        "object": {
            "cluster_id": "string",
            "cluster_name": "string",
            "custom_tags": {"object": {"*": "any"}},
            "executors": {"array": {"object": {"host_private_ip": "string", "start_timestamp?": "integer"}}},
            "life_cycle_state": "string",
            "num_workers": "integer",
            "state": {"string": ["RUNNING"]},
            "state_message": "string",
        }
    }
    assert not [secret for secret in SECRETS if secret in json.dumps(shape)]


@pytest.mark.parametrize("place", ["error_code", "message", "state", "path", "acme"])
@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_nowhere_written_down(place, secret):
    """Wherever it stands: as a value, in a list, below a key, as a key."""
    for answer in ({place: secret}, {place: [secret]}, {place: {secret: secret}}, [{place: {place: secret}}], secret):
        assert secret not in json.dumps(shape_of(answer, vocabulary(), key=place))


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("integer", "number", "number"),
        ("integer", "string", "any"),
        (None, "string", "string"),
        ({"string": ["A"]}, {"string": ["B"]}, {"string": ["A", "B"]}),
        ({"array": None}, {"array": "string"}, {"array": "string"}),
        (
            {"object": {"a": "string", "b?": "integer"}},
            {"object": {"b": "integer"}},
            {"object": {"a?": "string", "b?": "integer"}},
        ),
    ],
)
def test_two_answers_make_one_shape(one, other, both):
    """What only one of them has is there sometimes, in whichever order they come."""
    assert merged(one, other) == merged(other, one) == both


@pytest.mark.parametrize(
    ("wanted", "found", "reads", "told"),
    [
        ({"object": {"a": "string"}}, {"object": {"a": "string", "more": "any"}}, ["a"], []),
        ({"object": {"a": "string"}}, {"object": {}}, [], []),
        ({"object": {"a": "string"}}, {"object": {}}, ["a"], ["a: string is recorded, nothing is answered"]),
        ({"object": {"a?": "string"}}, {"object": {}}, ["a"], []),
        ({"object": {"a": "string"}}, {"object": {"a": "integer"}}, [], ["a: string is recorded, integer is answered"]),
        ({"object": {"a": "number"}}, {"object": {"a": "integer"}}, ["a"], []),
        ({"array": "string"}, {"object": {}}, [], ["the answer: array is recorded, object is answered"]),
        (
            {"object": {"runs": {"array": {"object": {"id": "integer"}}}}},
            {"object": {"runs": {"array": {"object": {"id?": "integer"}}}}},
            ["runs[].id"],
            ["runs[].id: integer is always recorded, sometimes nothing is answered"],
        ),
        (
            {"object": {"runs": {"array": {"object": {"id": "integer"}}}}},
            {"object": {"runs": {"array": None}}},
            ["runs[].id"],
            ["runs[]: entries are recorded, and none is answered that could be compared"],
        ),
        (
            {"object": {"error_code": {"string": ["NOT_FOUND"]}}},
            {"object": {"error_code": "string"}},
            [],
            ["error_code: NOT_FOUND is recorded, a code that isn't known is answered"],
        ),
    ],
)
def test_what_differs_is_told(wanted, found, reads, told):
    """A lack counts only of what the harness reads, and another type always."""
    assert differences(contract(wanted), status=200, shape=found, reads=frozenset(reads)) == told


def test_another_status_is_a_difference():
    """Whatever the bodies are."""
    assert differences(contract(None, 404), status=200, shape=None, reads=frozenset()) == [
        "status: 404 is recorded, 200 is answered"
    ]


@pytest.mark.parametrize(
    "data", [[], {}, {**contract(None).as_dict(), "of": "a friend"}, {**contract(None).as_dict(), "status": "1"}]
)
def test_a_file_that_holds_no_contract_is_told(data):
    """Rather than passed over."""
    with pytest.raises(ContractError, match=r"NBH436 x\.json holds no contract(.|\n)*nbh record"):
        read_contract(data, name="x.json")
