"""Themes that come up again and again: which memories bear the tag `recurring`, which no more."""

RECURRING = "recurring"
"""The tag of memories whose theme recurs; they are never pruned while they bear it."""
