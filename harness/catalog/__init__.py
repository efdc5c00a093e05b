"""Unity Catalog objects for tests: names, what to make, the ledger of what was made, and its removal."""
