"""What names of packs and ids of scenarios are made of: they become environment ids."""

SLUG = r"[a-z0-9][a-z0-9-]*"
"""Regular expression of such a name."""
