"""When a kernel is taken for ready."""

from __future__ import annotations

import asyncio
from queue import Empty
from types import SimpleNamespace

import pytest

pytest.importorskip("nbclient", reason="kernels need Jupyter's packages (the extra `local`)")

from traitlets.config import Configurable

from harness.execute.client import NumberedClient


class Manager(Configurable):
    """As much of a kernel's manager as is asked for here."""

    provisioner = SimpleNamespace(is_alive=True)


class Quiet(NumberedClient):
    """Of a kernel whose greeting went astray: it shows something once it is asked."""

    asked = 0

    def kernel_info(self):
        """Ask it."""
        self.asked += 1

    async def get_iopub_msg(self, **_):
        """What it shows."""
        if not self.asked:
            raise Empty
        return {"msg_type": "status"}


class Silent(Quiet):
    """Of a kernel that shows nothing."""

    async def get_iopub_msg(self, **_):
        """Nothing."""
        raise Empty


def test_a_greeting_that_went_astray():
    """It is asked, and what it shows then says that it is there."""
    client = Quiet(parent=Manager())

    asyncio.run(client.wait_for_ready(timeout=5))

    assert client.asked == 1


def test_a_kernel_that_says_nothing():
    """The time is over, or it has ended."""
    with pytest.raises(RuntimeError, match=r"didn't answer within 0\.05 s"):
        asyncio.run(Silent(parent=Manager()).wait_for_ready(timeout=0.05))
    ended = Manager()
    ended.provisioner = SimpleNamespace(is_alive=False)
    with pytest.raises(RuntimeError, match="ended before it was ready"):
        asyncio.run(Silent(parent=ended).wait_for_ready(timeout=5))
