"""Run a notebook whole on this machine: as Databricks would, in a process of its own."""
