"""What is heard of Java between a test and the Java that it calls."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from py4j.protocol import Py4JNetworkError

from harness.spark.handover import watch


def heard(answer):
    """What is told of one call that Java answers so, or fails on."""

    class Client:
        def send_command(self, _command):
            if isinstance(answer, Exception):
                raise answer
            return answer

    told = []
    gateway = SimpleNamespace(_gateway_client=Client())
    watch(gateway, call=lambda: told.append("call"), broken=lambda: told.append("broken"))
    try:
        gateway._gateway_client.send_command("c\n")
    except type(answer):
        told.append("raised")
    return told


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("yv", ["call"]),
        ("xro17", ["call"]),  # an exception of Java's own
        ("x", ["call", "broken"]),  # py4j's, where the connection was reset in the middle of an answer
        (Py4JNetworkError("gone"), ["call", "broken", "raised"]),
        (ConnectionRefusedError(), ["call", "broken", "raised"]),
    ],
)
def test_a_java_that_is_gone_is_noticed(answer, told):
    """However py4j tells of it; what a living Java refuses is no loss."""
    assert heard(answer) == told
