from __future__ import annotations

from harness.extract.names import names_read


def test_class_body_needs_from_outside_only_what_it_does_not_make():
    """A name that the body bound before is its own; one read before it is bound is the module's."""
    code = compile("class Sizes:\n    a = start\n    b = a + 1\n    def f(self): return later", "<cell>", "exec")

    at_once, later = names_read(code)

    assert (at_once, later) == ({"start"}, {"later"})


def test_caught_error_is_no_need_of_its_handler():
    """What ``except … as`` binds is gone after the handler; one read elsewhere in the statement is the module's."""
    code = compile(
        "for x in made:\n    try:\n        before\n    except E as exc:\n        print(exc, [exc for _ in x])\n"
        "        f = lambda: exc\n    except F as before:\n        print(before)",
        "<cell>",
        "exec",
    )

    at_once, later = names_read(code)

    assert at_once - {"x"} == {"made", "before", "E", "F", "print"}
    assert not later
