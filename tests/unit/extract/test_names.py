from __future__ import annotations

from harness.extract.names import names_read


def test_class_body_needs_from_outside_only_what_it_does_not_make():
    """A name that the body bound before is its own; one read before it is bound is the module's."""
    code = compile("class Sizes:\n    a = start\n    b = a + 1\n    def f(self): return later", "<cell>", "exec")

    at_once, later = names_read(code)

    assert (at_once, later) == ({"start"}, {"later"})
