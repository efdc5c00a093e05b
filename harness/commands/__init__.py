"""The commands of ``nbh``, one module each: they work out and print, ``harness.cli`` parses and exits."""
