"""Slips in arguments and values: commas, comparisons, conditionals, ranges and indices."""

from __future__ import annotations

from archspec.mistakes.brackets import closes
from archspec.mistakes.keywords import FORMS
from archspec.mistakes.words import Fault, Rule, found
from archspec.source import Diagnostic, Fix, Span

_BINARY = ("+", "-", "*", "/", "//", "%", "^", "..", "==", "!=", "<", "<=", ">", ">=", "and", "or", "not", "then")


def papers_value(f: Fault) -> Diagnostic | None:
    """`[1, 2, ..., 5]`, `{1, 2}`, `CONV(64, 7x7, /2)`."""
    if not f.wants_value:
        return None
    if f.word.text == "{" and (f.back().text != "in" or f.ahead().kind == "number"):
        close = closes(f, f.at)
        inner = f"[{f.text(f.ahead(), f.words[close - 1])}]" if close else "[1, 2, 3]"
        edit = Fix(f.span(f.word, f.words[close]), inner) if close else None
        return f.error("A062", "a list stands in [ ]", help=f"write {inner}", fix=edit, expected=True)
    if f.word.text in ("...", "…"):
        return f.error("A053", "no value is left out", help="write every value, or a range: 1..5", expected=True)
    if f.word.text == "/" and f.ahead().kind == "number" and f.inside("("):
        fix = Fix(f.span(f.word, f.ahead()), f"stride={f.ahead().text}")
        return f.error("A053", "a value is missing before '/'", help=f"write {fix.text}", fix=fix, expected=True)
    return None


def value_missing(f: Fault) -> Diagnostic | None:
    """Nothing behind `name=`, a comma or an operator."""
    if not f.wants_value:
        return None
    closed = f.word.text in (",", ")", "]", "}", "|") or f.ends_line or f.word.kind == "arrow"
    before = f.back()
    if before.text == "=" and f.word.text in ("=", "=="):
        again = Fix(f.span(f.word), "")
        return f.error("A053", "two '=' with nothing between them", help="leave one out", fix=again, expected=True)
    if before.text == "=" and closed:
        name = f.back(2).text
        if f.inside("("):
            help = f"write {name}=VALUE, or leave it out"
            return f.error("A013", "an argument has no value", help=help, expected=True)
        return f.error(
            "A013", f"this {f.keyword} has no value", help=f"write: {f.keyword} {name} = VALUE", expected=True
        )
    if before.text in ("(", "[", ",") and f.word.text == ",":
        fix = Fix(f.span(f.word), "") if before.text == "," and f.inside("[") else None
        return f.error(
            "A053",
            "a value is missing before this ','",
            help="leave the ',' out, or write the value",
            fix=fix,
            expected=True,
        )
    if before.text in _BINARY and (closed or f.word.text in _BINARY or f.word.text == "="):
        message = f"a value is missing behind '{before.text}'"
        help = (
            "write one sign: " + " or ".join(dict.fromkeys((before.text, f.word.text)))
            if f.word.text in _BINARY
            else ""
        )
        return f.error("A053", message, help=help, expected=True)
    if f.word.text in ("+", ".."):
        help = "leave the '+' out" if f.word.text == "+" else "write both ends: 0..3"
        return f.error("A053", f"a value is missing before '{f.word.text}'", help=help, expected=True)
    if closed or f.word.text == "{" and before.text == "in":
        help = f"write: {FORMS[f.keyword]}" if f.keyword in FORMS and not f.inside("[") and not f.inside("(") else ""
        return f.error("A053", "a value is missing here", help=help, expected=True)
    return None


def comparison(f: Fault) -> Diagnostic | None:
    """`=` for `==`, and `a < b < c`."""
    if f.word.text == "=" and f.keyword in ("let", "param") and not f.openers[-1:] > (f.first,):
        return f.error("A043", f"one {f.keyword} defines one name", help="write one statement for each, or '=='")
    if f.word.text == "=" and "CMP" in f.accepts:
        return f.error("A027", "a comparison is written with two '='", help="write '=='", fix=Fix(f.span(f.word), "=="))
    if f.word.text in ("<", "<=", ">", ">=", "==", "!=") and "AND" in f.accepts:
        middle = f.back().text
        help = f"connect two comparisons with `and`: a < {middle} and {middle} {f.word.text} b"
        return f.error("A032", "comparisons are not chained", help=help)
    if f.word.text in ("!", "=>", "=<") and "CMP" in f.accepts:
        right = {"=>": ">=", "=<": "<=", "!": "!="}[f.word.text]
        return f.error(
            "A027", f"'{f.word.text}' compares nothing", help=f"write '{right}'", fix=Fix(f.span(f.word), right)
        )
    return None


def conditional(f: Fault) -> Diagnostic | None:
    """`a if c` without else, `c ? a : b`, `a then b then c`, `if c then a else b`."""
    if "ELSE" in f.accepts and f.word.text != "else":
        return f.error("A030", "this `if` has no `else`", help="a value is chosen with: a if c else b", expected=True)
    if f.word.text == "?" and f.after_value:
        return f.error("A030", "a value is chosen with if and else", help="write a if c else b")
    if f.back().text == "if" and f.back(2).text in ("(", "[", ",", "=") and f.word.kind in ("name", "number"):
        return f.error(
            "A030", "the condition stands between the two values", span=f.span(f.back()), help="write a if c else b"
        )
    if f.word.text == "if" and f.wants_value:
        return f.error("A030", "the condition stands between the two values", help="write a if c else b")
    if f.word.text == "then" and "THEN" not in f.accepts:
        help = "write (a then b) then c, or choose with if: a if i == 0 else b"
        return f.error("A031", "then is not chained: x then y is x in the first iteration, y in the others", help=help)
    if f.word.text == "else" and f.after_value:
        return f.error("A030", "this `else` has no `if`", help="a value is chosen with: a if c else b", expected=True)
    return None


def other_range(f: Fault) -> Diagnostic | None:
    """`w[1:3]`, `i in 1:3`, `1...3`, `1 to 3`."""
    if not f.after_value or f.word.text not in (":", "...", "to"):
        return None
    before, behind = f.back().text, f.ahead().text
    if f.word.text == ":" and f.inside("(") and f.back().kind == "name" and f.back(2).text in ("(", ","):
        fix = Fix(Span(f.source, f.back().end, f.ahead().start), "=")
        message = "an argument is given with '='"
        return f.error("A036", message, help=f"write {before}={behind}", fix=fix, expected=True)
    ends = f"{before}..{behind}" if f.ahead().kind in ("name", "number") else "a..b"
    help = f"write {ends}: both ends belong to it"
    # what comes of `:` is Python's, without its end, to some and MATLAB's to others
    edit = None if f.word.text == ":" else Fix(f.span(f.word), "..")
    return f.error("A049", "a range is written with '..'", help=help, fix=edit)


def index(f: Fault) -> Diagnostic | None:
    """`(1..4)[1..2]`, `3x3[0]`."""
    if f.word.text != "[" or not f.after_value or f.back().end != f.word.start:
        return None
    close = closes(f, f.at)
    entry = f.text(f.word, f.words[close]) if close else "[0]"
    help = f"name the value first: let xs = ..., and write xs{entry}"
    return f.error("A063", "an index stands behind a name, a call or a list", help=help)


def comma_missing(f: Fault) -> Diagnostic | None:
    """Two values side by side."""
    if not f.after_value and not ("COMMA" in f.accepts and f.openers):
        return None
    starts = f.word.kind in ("name", "number", "text") or f.word.text in ("(", "[", "@")
    if not starts or "COMMA" not in f.accepts or f.position != f.word.start or f.after_step:
        return None
    if f.back().kind == "name" and f.back().text.islower() and f.inside("(") and f.word.kind == "number":
        help = f"write {f.back().text}={f.word.text}, or ',' between two values"
        return f.error("A040", f"a '=' is missing behind {f.back().text}", help=help, expected=True)
    message, help = f"a ',' is missing before {found(f.word)}", "write ',' between two values"
    fix: Fix | None = Fix(f.gap(), ",")
    if f.inside("(") and f.back(2).text == "," and f.back().text.isdigit() and f.word.text.isdigit():
        fix, help = None, f"write {f.back().text}x{f.word.text} for a size, ',' between two values"
    elif f.back().text == f.word.text:
        fix, help = None, help + ", or leave one out"
    elif f.word.text == "@" and f.ahead().kind == "number":
        fix, help = None, f"write {f.back().text}, {f.ahead().text}"
    elif f.word.text == "(" and f.back().kind == "number":
        fix, help = None, f"write '*' for a product, {f.back().text}*(...); ',' between two values"
    elif f.keyword == "assert" and not f.openers[-1:] > (f.first,):
        if f.word.kind != "text":
            return None
        help = 'write assert ..., "why"'
    return f.error("A040", message, help=help, fix=fix, expected=True)


def words_side_by_side(f: Fault) -> Diagnostic | None:
    """A value that has ended, and more text on its line."""
    if not f.after_value or f.openers or f.word.kind in ("line", "end") or f.starts_line:
        return None
    if f.word.kind == "arrow" and f.keyword == "let":
        name = f.words[f.first + 1].text
        return f.error("A052", "a flow is no value", help=f"write block {name} = ...", expected=True)
    message = f"this {f.keyword} ends before {found(f.word)}"
    return f.error(
        "A059",
        message,
        help="put an operator between two values, a list in [ ]: [a, b], or begin a new line",
        expected=True,
    )


TABLE: tuple[Rule, ...] = (
    papers_value,
    value_missing,
    comparison,
    conditional,
    other_range,
    index,
    comma_missing,
    words_side_by_side,
)
