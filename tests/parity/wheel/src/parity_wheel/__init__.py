"""A package whose wheel a job runs."""
