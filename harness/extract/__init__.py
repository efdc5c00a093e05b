"""Notebooks as importable units: statements kept, held back and given their value when a test asks."""
