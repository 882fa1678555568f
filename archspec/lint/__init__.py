"""Advice: the literature's rules of thumb, asked of an analysed network.

Networks that were published break every one of them somewhere, so advice is a note and is given when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from archspec.analyze import Analysis
from archspec.lint import layers, sizes
from archspec.source import Diagnostic

Rule = Callable[[Analysis], Iterator[Diagnostic]]

RULES: tuple[Rule, ...] = (*sizes.RULES, *layers.RULES)


def lint(analysis: Analysis) -> tuple[Diagnostic, ...]:
    """Every piece of advice for a network, each place in the text once, rule by rule."""
    found: dict[object, Diagnostic] = {}
    more: dict[object, int] = {}
    for advice in (advice for rule in RULES for advice in rule(analysis)):
        span = advice.span
        place = (advice.code, span and (id(span.source), span.start, span.end))
        more[place] = more.get(place, -1) + 1
        found.setdefault(place, advice)
    return tuple(
        replace(advice, notes=(*advice.notes, f"and {more[place]} more from the same text")) if more[place] else advice
        for place, advice in found.items()
    )
