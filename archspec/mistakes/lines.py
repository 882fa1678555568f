"""Statements that are broken where a line's end ends them."""

from __future__ import annotations

from archspec.mistakes.keywords import is_second
from archspec.mistakes.words import STATEMENTS, Fault, Rule, Word
from archspec.source import Diagnostic

_GOES_ON = ("as", "in", "and", "or", "then", "where")


def broken(f: Fault) -> Diagnostic | None:
    """`net A` and `{`, `output a,` and `b`, `let w = 3` and `+ 4`: the statement goes on in the next line."""
    if f.word.kind == "line" and _goes_on_below(f):
        end = next(i for i in range(f.at, len(f.words)) if f.words[i].kind != "line")
        head, tail = f.text(f.words[f.first], f.back()), "{" if f.words[end].text == "{" else f.line(end)
        help = f"write on one line: {head} {tail}"
        return f.error("A056", "a statement ends with its line", caption="here", help=help, fix=f.joined(end))
    at = f.first if is_second(f) and f.words[f.first].text in _GOES_ON else f.at
    begins = at == f.first and f.words[at - 1].kind == "line" and f.back().kind != "end"
    if begins and (at < f.at or ("LET" in f.accepts and _cannot_begin(f.word))):
        word, above = f.words[at], f.line_above(at)
        if (
            above.kind == "line" or above.text not in STATEMENTS and word.text not in ("*", "?", "as")
        ):  # to a flow no value is added
            return None
        help = f"write {f.line(at)} on the line above"
        return f.error("A056", "a statement ends with its line", span=f.span(word), help=help, fix=f.joined(at))
    return None


def _goes_on_below(f: Fault) -> bool:
    below = f.ahead()
    if below.text in ("{", "="):
        return ("LBRACE" if below.text == "{" else "EQUAL") in f.accepts
    line = f.rest(f.words.index(below))
    if below.text in STATEMENTS or not line or any(w.kind == "arrow" for w in line):
        return False
    return f.back().text in (",", ":") or f.wants_value or _cannot_begin(below)


def _cannot_begin(word: Word) -> bool:
    """Whether no statement begins with a word."""
    begins = word.text in ("@", "[", "(", "{", ")", "]", "}", "|") or word.text.endswith(">")
    return word.kind == "text" or (word.kind == "sign" and not begins)


TABLE: tuple[Rule, ...] = (broken,)
