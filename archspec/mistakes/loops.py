"""Slips in what goes through a list: loop headers, list comprehensions, `for` and its conditions."""

from __future__ import annotations

import re

from archspec.mistakes.brackets import closes
from archspec.mistakes.keywords import is_second
from archspec.mistakes.words import Fault, Rule
from archspec.source import Diagnostic, Fix, Label, Span


def no_in(f: Fault) -> Diagnostic | None:
    """`for i = 0..3`, `*(w: [..])`, `[f(w) for w of ws]`."""
    if "IN" not in f.accepts or f.back().kind != "name" or (f.keyword == "param" and not f.openers):
        return None
    name, span = f.back().text, f.span(f.word)
    if f.word.text in ("=", ":", "of", "<-", "from", ":="):
        fix = Fix(span, " in" if span.start == f.back().end else "in")
        return f.error("A048", "a loop says `in`", help=f"write {name} in ...", fix=fix)
    if f.word.text in ("]", ")", "{", "->") or f.ends_line:
        help = f"write {name} in [1, 2] or {name} in 0..3"
        return f.error("A048", "a loop reads its values from a list", help=help, expected=True)
    return None


def for_first(f: Fault) -> Diagnostic | None:
    """`*(for w in ws)`, `concat[for b in bins: ...]`, `[for x in xs: x]`."""
    if f.back().text != "for" or f.word.kind != "name":
        return None
    span = f.span(f.back())
    if f.back(2).text == "(":
        fix = Fix(Span(f.source, f.back().start, f.word.start), "")
        help = f"write *({f.word.text} in ...)"
        return f.error("A048", "a repeat's loop header has no `for`", span=span, help=help, fix=fix)
    if f.back(2).text in ("[", "|"):
        what, form = ("value", "[x * 2 for x in xs]") if f.after_value else ("branch", "concat[CONV(c) for c in cs]")
        return f.error("A048", f"`for` stands behind the {what} that it repeats", span=span, help=f"write {form}")
    return None


def loose_list(f: Fault) -> Diagnostic | None:
    """`let a = x for x in xs`, `[x for x in xs where c]`."""
    if f.word.text == "for" and f.after_value and not f.openers and not f.starts_line:
        return f.error("A048", "a list of values stands in [ ]", help="write [ ... for x in xs]", expected=True)
    if f.word.text == "|" and f.after_value and f.inside("["):
        return f.error("A048", "a list of values is made with `for`", help="write [ ... for x in xs]")
    if f.word.text in ("where", "when") and f.after_value and f.inside("["):
        return f.error("A048", "a condition begins with `if`", help="write `if`", fix=Fix(f.span(f.word), "if"))
    return None


def for_inside(f: Fault) -> Diagnostic | None:
    """`concat[CONV(b) for b in bins -> RELU]`: the flow goes on behind `for` or `if`."""
    if f.word.kind != "arrow" or not f.inside("[") or "VBAR" not in f.accepts or f.after_step:
        return None
    for i in range(f.at - 1, f.openers[-1], -1):
        if f.words[i].text in ("for", "if"):
            word = f.words[i]
            flow = f.text(f.words[f.openers[-1] + 1], f.words[i - 1]).rpartition("|")[2].strip()
            help = f"write {flow} -> ... {f.text(word, f.back())}"
            labels = (Label(f.span(word), "this ends the branch"),)
            return f.error("A048", f"`{word.text}` stands at the end of its branch", labels=labels, help=help)
    return None


def second_for(f: Fault) -> Diagnostic | None:
    """`concat[A for b in bs for c in cs]`, `[... if c for x in xs]`, `pick[A if c else B]`."""
    if not f.inside("[") or f.after_step or not f.after_value:
        return None
    before = [w.text for w in f.words[f.openers[-1] : f.at]]
    if f.word.text == "for" and "for" in before:
        help = "write for a in xs, b in ys: they are read in step, not each with each"
        return f.error("A048", "one `for` reads several lists", help=help)
    if f.word.text == "for" and "if" in before:
        return f.error("A048", "`for` stands before `if`", help="write ... for x in xs if x > 1")
    if f.word.text == "else" and "VBAR" in f.accepts:
        help = "write pick[A if c | B]: the first branch that is there"
        return f.error("A066", "branches are chosen with '|'", help=help, fix=Fix(f.span(f.word), "|"))
    return None


def for_statement(f: Fault) -> Diagnostic | None:
    if f.keyword != "for":
        return None
    if f.word.text == "(" and is_second(f):
        close = closes(f, f.at)
        inner = f.text(f.ahead(), f.words[close - 1]) if close else ""
        loop = re.match(r"\w+(\s*,\s*\w+)*\s+in\b[^;]*\Z", inner)
        gap = "" if f.word.start > f.back().end else " "
        fix = Fix(f.span(f.word, f.words[close]), gap + inner) if close and loop else None
        help = f"write for {inner if loop else f'{f.ahead().text} in 0..3'} {{ ... }}"
        return f.error("A048", "for has no parentheses", help=help, fix=fix)
    if f.word.kind == "arrow" and "LBRACE" in f.accepts:
        help = f"write {f.text(f.words[f.first], f.back())} {{ ... }}, with the flow between the braces"
        return f.error("A028", "this for has no body", help=help, expected=True)
    return None


TABLE: tuple[Rule, ...] = (for_inside, second_for, no_in, for_first, loose_list, for_statement)
