"""What a notebook finds around it: dbutils, widgets, display, and names that are made at first use."""
