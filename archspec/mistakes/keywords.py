"""The word a statement begins with: misspelt, in capitals, borrowed from another language, or where none may begin."""

from __future__ import annotations

from archspec.mistakes.words import STATEMENTS, Fault, Rule, Word, found
from archspec.source import Diagnostic, Fix, Label, Span, nearest

# Words of other languages for what a statement here does.
_BORROWED = {
    "block": ("def", "define", "function", "fn", "func", "module", "class", "layer", "macro", "sub"),
    "net": ("model", "network", "graph", "architecture", "arch", "main"),
    "let": ("const", "var", "set", "val", "constant", "variable", "auto"),
    "param": ("knob", "parameter", "hyperparameter", "arg", "option"),
    "output": ("return", "outputs", "yield", "print"),
    "input": ("inputs", "placeholder"),
    "assert": ("require", "check", "ensure", "expect"),
    "import": ("include", "use", "using", "load"),
    "for": ("foreach", "loop"),
    "archspec": ("version",),
}
BORROWED = {word: ours for ours, words in _BORROWED.items() for word in words}
FORMS = {
    "archspec": "archspec 1",
    "import": 'import "file.arch" as file',
    "from": 'from "file.arch" import Block',
    "default": "default CONV(bias=off)",
    "let": "let w = [64, 128]",
    "param": "param N = 2 in 1..3",
    "block": "block B(c) = CONV(c) -> RELU",
    "net": "net A { input 3x32x32 ... }",
    "shared": "shared tower = CONV(64) -> RELU",
    "input": "input image: 3x224x224",
    "output": "output logits",
    "assert": 'assert params < 5M, "why"',
    "for": "for j in 0..3 { ... }",
}


def is_second(f: Fault) -> bool:
    """Whether the fault is right behind the statement's first word."""
    return f.at > f.first and f.back() is f.words[f.first]


def branch_words(f: Fault) -> Diagnostic | None:
    """`if`, `while` and `repeat` as statements, and `if` as a step."""
    first = f.words[f.first]
    if f.back().text in ("if", "for") and f.back(2).kind == "arrow":
        first = f.back()
        message = f"there is no {first.text} step"
    elif (
        first.text not in ("if", "else", "while", "repeat") or f.at - f.first > 1 or (f.at > f.first and f.after_value)
    ):
        return None
    else:
        message = f"there is no {first.text} statement"
    if first.text in ("if", "else"):
        help = "switch a step with STEP?(condition), a branch of a join with `if`, or write pick[A if c | B]"
    else:
        help = "repeat steps with [ ... ]*n, statements with for j in 0..n-1 { ... }"
    return f.error("A050", message, span=f.span(first), help=help)


def keyword(f: Fault) -> Diagnostic | None:
    """A statement's keyword misspelt (`ouput`), in capitals, or out of another language (`def`)."""
    first = f.words[f.first]
    if not is_second(f) or first.kind != "name" or first.text in STATEMENTS or f.word.kind in ("arrow", "line", "end"):
        return None
    if f.word.text in ("=", ":=", ":", "+=", "<-"):
        return None
    meant = _meant(f, first)
    if meant is None:
        return None
    span = f.span(first)
    fix = None if first.text in BORROWED else Fix(span, meant)
    help = f"did you mean {meant}? write: {FORMS[meant]}" if fix else f"write: {FORMS[meant]}"
    return f.error("A037", f"no statement begins with {first.text}", span=span, caption="unknown", help=help, fix=fix)


def _meant(f: Fault, first: Word) -> str | None:
    low = first.text.lower()
    if first.text == "INPUT":
        shape = f.word.kind == "number" and len(f.statement()) == 2
        return "input" if shape or (f.word.kind == "name" and f.ahead().text == ":") else None
    if f.word.text in ("[", "?", "*", "@") or (f.word.text == "(" and low != "for"):
        return None
    if low in STATEMENTS:
        return low
    if low in BORROWED and f.word.kind != "sign":
        return BORROWED[low]
    return nearest(low, STATEMENTS) if first.text.islower() and len(low) > 2 else None


def one_line(f: Fault) -> Diagnostic | None:
    """Two statements on one line: `let a = 3 let b = 4`, `} net B {`."""
    if f.starts_line or "_NL" not in f.accepts or f.wants_step:
        return None
    step = f.word.kind == "name" and f.keyword in ("input", "import", "from", "archspec", "default")
    step = step and not f.after_value and f.ahead().text != "="
    behind = f.back().text == "}" and not f.ends_line
    loop = f.word.text == "for" and (f.after_value or f.after_step)
    if loop or f.word.text == "as" or not (f.word.text in STATEMENTS or behind or step):
        return None
    here = Span(f.source, f.word.start, f.word.start)
    labels = (Label(f.span(f.words[f.first]), "the first begins here"),) if f.back().text != "}" else ()
    help = f"begin a new line before {found(f.word)}"
    return f.error(
        "A041", "two statements on one line", caption="the second", labels=labels, help=help, fix=Fix(here, "\n")
    )


TABLE: tuple[Rule, ...] = (branch_words, keyword, one_line)
