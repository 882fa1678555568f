"""Blueprints: whether a network follows one, and with which counts, options and widths."""

from archspec.match.follow import Departure, Difference, Match, match, worded

__all__ = ["Departure", "Difference", "Match", "match", "worded"]
