"""Syntax errors in the author's words: what was meant at each place where the parser stumbles, and how to type it.

Rules look at the word at fault, the words around it, the brackets open there, and what the parser could have gone on
with; the first rule that knows the slip names it.
"""

from __future__ import annotations

from lark import Lark

from archspec.mistakes import (
    arrows,
    brackets,
    definitions,
    forms,
    keywords,
    lines,
    loops,
    numbers,
    repeats,
    signs,
    steps,
    values,
)
from archspec.mistakes.reading import Reading
from archspec.mistakes.words import Fault, Rule, found
from archspec.source import MOST_ERRORS, Diagnostic, Source

TABLE: tuple[Rule, ...] = (
    *signs.TABLE,
    *brackets.TABLE,
    *numbers.TABLE,
    *lines.TABLE,
    *keywords.TABLE,
    *definitions.TABLE,
    *forms.TABLE,
    *repeats.TABLE,
    *loops.TABLE,
    *steps.TABLE,
    *arrows.TABLE,
    *values.TABLE,
)


def diagnose(source: Source, parser: Lark) -> tuple[Diagnostic, ...]:
    """Every syntax error of a text that does not parse, at most ten, one for each cause."""
    reading = Reading(source, parser)
    out: list[Diagnostic] = []
    fault, reached = reading.next_fault(), -1
    while fault is not None and fault.at > reached and len(out) < MOST_ERRORS:
        out.append(explain(fault))
        reached = fault.at
        fault = reading.next_fault() if reading.resume(fault, out[-1].code) else None
    return tuple(out)


def explain(fault: Fault) -> Diagnostic:
    """What is wrong at one fault."""
    for rule in TABLE:
        diagnostic = rule(fault)
        if diagnostic is not None:
            return diagnostic
    opener = fault.opener
    where = f"this stands inside the '{opener.text}' of {fault.span(opener).place}" if opener else ""
    return fault.error("A010", f"{found(fault.word)} does not fit here", caption="", help=where, expected=True)
