"""Slips in what let, param, block, net and shared define: names missing or reserved, no '=', no body."""

from __future__ import annotations

import re

from archspec.mistakes.keywords import FORMS, is_second
from archspec.mistakes.steps import row
from archspec.mistakes.words import STATEMENTS, Fault, Rule, found
from archspec.source import Diagnostic, Fix, Span

_DEFINE = ("block", "net", "let", "param", "shared")


def assignment(f: Fault) -> Diagnostic | None:
    """`w = [64, 128]` without a keyword."""
    signs = ("=", ":=", ":", "<-", "+=")
    if not f.after_step or f.keyword in STATEMENTS or f.word.text not in signs or not is_second(f):
        return None
    name, words = f.keyword, f.statement()
    if name.lower() == "input":
        shape = f.ahead().text if f.ahead().kind == "number" else "3x224x224"
        help = f"write INPUT({shape}) -> ..., or the statement: input {shape}"
        return f.error("A044", "an input's shape stands in parentheses", help=help, expected=True)
    step = f.line(f.at + 1)
    if f.ahead().kind == "number":
        step = row(step)
    elif f.word.text != ":" and not f.ahead().text.isupper() and not any(w.kind == "arrow" for w in words):
        step = ""
    if step:
        help = f"write {step} as {name} to label the end of a flow; 'block {name} = ...' for a part of the network"
        return f.error("A017", "a name stands behind the step that it names", help=help, expected=True)
    return f.error(
        "A017",
        "a definition starts with a keyword",
        help=f"write 'let {name} = ...' for a constant, 'param {name} = ...' for a knob, 'block {name} = ...'",
        expected=True,
    )


def name_missing(f: Fault) -> Diagnostic | None:
    if f.keyword not in _DEFINE or not is_second(f):
        return None
    if f.word.kind == "number":
        message = f"a name begins with a letter, not with '{f.word.text[0]}'"
        return f.error("A029", message, caption="", help=f"write: {FORMS[f.keyword]}")
    message = f"this {f.keyword} has no name"
    return f.error("A029", message, span=f.span(f.words[f.first]), help=f"write: {FORMS[f.keyword]}")


def hyphen(f: Fault) -> Diagnostic | None:
    """`net ResNet-50`, `as conv-1`: a name with a sign in it."""
    if f.word.text not in ("-", ".") or f.back().kind != "name" or f.word.start != f.back().end:
        return None
    definition = f.keyword in _DEFINE and f.back() is f.words[f.first + 1]
    if not definition and f.back(2).text != "as":
        return None
    last = f.word
    for word in f.rest()[1:]:
        if word.start != last.end or (word.kind not in ("name", "number") and word.text not in ("-", ".")):
            break
        last = word
    span = f.span(f.back(), last)
    joined = re.sub(r"\W+", "_", span.text).strip("_")
    return f.error(
        "A055",
        "a name is letters, digits and _",
        span=span,
        caption=f"'{f.word.text}' ends the name",
        help=f"write {joined}",
        fix=Fix(span, joined),
    )


def brace(f: Fault) -> Diagnostic | None:
    """`{` behind '=', or where none belongs."""
    if f.word.text != "{":
        return None
    head = f.text(f.words[f.first], f.back())
    if f.back().text == "=" and f.keyword in ("net", "block"):
        return _body_behind_equals(f, head[:-1].rstrip())
    if "EQUAL" in f.accepts and f.keyword in ("let", "param", "shared") and not f.openers[-1:] > (f.first,):
        return f.error("A060", f"a {f.keyword} has no {{ }}", caption="", help=f"write: {FORMS[f.keyword]}")
    if f.wants_step and "LET" in f.accepts:
        help = "write net NAME { ... } or block NAME { ... }; steps are grouped with [ ]"
        return f.error("A060", "this '{' belongs to no net or block", caption="", help=help)
    return None


def _body_behind_equals(f: Fault, head: str) -> Diagnostic:
    """`block B = { ... }`; in braces a flow begins with INPUT, behind '=' it need not."""
    close = next((i for i in range(f.at, len(f.words) - 1) if f.words[i].text in ("}", "\n")), f.at)
    inner = f.text(f.ahead(), f.words[close - 1]) if close > f.at + 1 else ""
    fix, help = None, f"leave the '=' out, and begin the flow with INPUT: {head} {{ INPUT -> ... }}"
    if f.ahead().text in (*STATEMENTS, "INPUT", "@"):
        fix, help = Fix(Span(f.source, f.back(2).end, f.word.start), " "), f"leave the '=' out: {head} {{"
    elif f.words[close].text == "}" and inner and f.keyword == "block":
        fix, help = Fix(f.span(f.word, f.words[close]), inner), f"write {head} = {inner}"
    return f.error("A060", "a body in { } has no '='", span=f.span(f.back()), help=help, fix=fix)


def body_missing(f: Fault) -> Diagnostic | None:
    if f.keyword not in ("block", "net", "for") or not f.ends_line or "LBRACE" not in f.accepts:
        return None
    head = f.text(f.words[f.first], f.back())
    help = f"write {head} = CONV(64) -> RELU, or {head} {{ INPUT -> ... }}"
    if f.keyword == "for":
        help = f"write {head} {{ ... }}, with the statements between the braces"
    elif f.keyword == "net":
        help = f"write {head} {{ here, input 3x224x224 and INPUT -> CONV(64) on lines of their own, and '}}' below"
    return f.error("A028", f"this {f.keyword} has no body", help=help, expected=True)


def colon(f: Fault) -> Diagnostic | None:
    """`net A:`, `let w: 3`, `input: 3x32x32`."""
    if f.word.text != ":" or (f.opener is not None and f.opener.text != "{"):
        return None
    span = f.span(f.word)
    if f.keyword == "input" and is_second(f):
        help = "leave the ':' out, or name the input: input image: 3x224x224"
        return f.error("A036", "there is no name before this ':'", span=span, help=help, fix=Fix(span, ""))
    if "LBRACE" in f.accepts and (f.keyword in ("for", "net") or f.words[f.at + 1].kind in ("line", "end")):
        help = "write '{' here, and '}' behind the last line of the body"
        return f.error("A036", "a body stands in { }", help=help, expected=True)
    if "EQUAL" in f.accepts:
        fix = None if any(w.text == "=" for w in f.rest()) else Fix(span, " =")
        return f.error("A036", "a definition has '=', no ':'", help="write '='", fix=fix, expected=True)
    return None


def domain_first(f: Fault) -> Diagnostic | None:
    """`param N in 1..3 = 2`."""
    if f.keyword != "param" or f.word.text != "=" or "in" not in [w.text for w in f.words[f.first : f.at]]:
        return None
    return f.error("A043", "a knob's value stands before its domain", help="write: param N = 2 in 1..3")


def equals_missing(f: Fault) -> Diagnostic | None:
    if f.word.text in ("=>", "==>") and f.position > f.word.start and f.keyword in _DEFINE:
        return f.error("A043", "a definition has '='", help="write '='", fix=Fix(f.span(f.word), "="))
    if "EQUAL" not in f.accepts or f.keyword not in _DEFINE or f.openers[-1:] > (f.first,):
        return None
    name = f.words[f.first + 1].text
    if f.ends_line:
        help = f"write {f.keyword} {name} = ..., as in: {FORMS[f.keyword]}"
        return f.error("A043", f"this {f.keyword} has no value", help=help, expected=True)
    if f.word.text == ",":
        return f.error("A043", f"one {f.keyword} defines one name", help="write one statement for each", expected=True)
    again = any(w.text == "=" for w in f.rest())
    if f.word.kind == "name" and again and f.keyword in ("block", "net"):
        given = f.text(f.word, next(w for w in reversed(f.rest()[: [w.text for w in f.rest()].index("=")])))
        help = f"write {f.keyword} {name}({given}) = ..."
        return f.error("A054", f"a {f.keyword}'s arguments stand in parentheses", help=help)
    if f.word.text in ("(", "[") and again:
        what = "ports" if f.keyword == "net" else "arguments"
        help = f"only blocks do: block {name}{f.line(f.at)}"
        if f.keyword in ("let", "param"):
            help = f"write {f.keyword} {name} = ...; functions cannot be defined"
        return f.error("A054", f"a {f.keyword} takes no {what}", caption="", help=help)
    replaced = f.word.text in ("->", ":=", "==", "=>", "+=")
    span = f.span(f.word) if replaced else Span(f.source, f.word.start, f.word.start)
    return f.error(
        "A043",
        f"a '=' is missing in this {f.keyword}",
        help=f"write '=' {'here' if replaced else f'before {found(f.word)}'}",
        fix=None if again else Fix(span, "=" if replaced else "= "),
        expected=True,
    )


def formal(f: Fault) -> Diagnostic | None:
    """`block B(3)`, `block B(c: int)`, `block B(k 3x3)`, `block J[a..., b]`."""
    if f.keyword not in ("block", "net") or f.openers[-1:] <= (f.first,) or f.opener is None:
        return None
    if f.wants_value or f.after_value or f.wants_step or f.after_step or f.words[f.openers[-1]].text == "{":
        return None
    port = f.opener.text == "["
    form = f"write {f.keyword} {f.words[f.first + 1].text}{'[a, b]' if port else '(c, k=3x3)'} ..."
    what = "ports" if port else "arguments"
    if f.back().text == "...":
        return f.error("A054", "the port that takes the rest comes last", help="write [first, more...]", expected=True)
    if f.word.text == ":":
        help = "leave the type out; '=' gives a default: k=3x3"
        return f.error("A054", f"a {f.keyword}'s {what} have no types", help=help, expected=True)
    if f.back().kind == "name" and f.word.kind in ("name", "number"):
        sign = "," if f.word.kind == "name" or port else "="
        message = f"a '{sign}' is missing before {found(f.word)}"
        return f.error("A040", message, help=form, fix=Fix(f.gap(), sign), expected=True)
    return f.error("A054", f"a {f.keyword}'s {what} are names", help=form, expected=True)


TABLE: tuple[Rule, ...] = (
    assignment,
    name_missing,
    hyphen,
    brace,
    colon,
    body_missing,
    domain_first,
    equals_missing,
    formal,
)
