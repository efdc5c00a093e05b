"""The pytest File and Item classes for tests that live in notebooks."""
