"""The forms of input, output, import, default, assert and the version line."""

from __future__ import annotations

import re
from itertools import takewhile

from archspec.mistakes.keywords import FORMS, is_second
from archspec.mistakes.words import Fault, Rule
from archspec.source import Diagnostic, Fix, Label, Span


def version(f: Fault) -> Diagnostic | None:
    if f.keyword != "archspec" or not is_second(f):
        return None
    return f.error("A061", "the version of the language is a whole number", help="write: archspec 1", expected=True)


def input_form(f: Fault) -> Diagnostic | None:
    if f.keyword != "input":
        return None
    name = f.words[f.first + 1]
    if f.ends_line and "INT" in f.accepts and f.back().text in ("input", ":"):
        help = f"write input {name.text}: 3x224x224" if f.back().text == ":" else "write: input image: 3x224x224"
        return f.error("A044", "this input has no shape", help=help, expected=True)
    if "COLON" in f.accepts and f.word.kind == "number":
        help = f"write input {name.text}: {f.word.text}"
        message = "a ':' is missing between the input's name and its shape"
        return f.error("A044", message, help=help, fix=Fix(f.gap(), ":"), expected=True)
    if f.word.text in ("=", "->", ":=") and ("COLON" in f.accepts or is_second(f)):
        form = "input 3x224x224" if is_second(f) else f"input {name.text}: 3x224x224"
        return f.error("A044", "an input has a name, ':' and a shape", help=f"write {form}", expected=True)
    if f.word.kind == "arrow" and "COMMA" in f.accepts and not f.starts_line:
        return _input_in_a_flow(f)
    if f.word.kind == "name" and f.ahead().text == "=" and "COMMA" in f.accepts:
        help = f"write ',' before {f.word.text}"
        return f.error("A040", "a ',' is missing before the option", help=help, fix=Fix(f.gap(), ","), expected=True)
    return _sizes(f)


def _input_in_a_flow(f: Fault) -> Diagnostic:
    """`input(3x32x32) -> CONV(64)`: the statement declares, and the flow begins with INPUT."""
    shape = f.text(f.words[f.first + 1], f.back())
    sizes = "x".join(w.text for w in f.words[f.first + 1 : f.at] if w.kind == "number")
    if f.openers or not re.fullmatch(r"[(\s]*[0-9x]+([,\s]+[0-9x]+)*[)\s]*", shape):
        fix = Fix(Span(f.source, f.back().end, f.word.start), "\nINPUT ")
        help = "begin the flow on a line of its own: INPUT -> ..."
        return f.error("A044", "an input statement ends with its shape and options", help=help, fix=fix, expected=True)
    fix = Fix(f.span(f.words[f.first], f.back()), f"INPUT({sizes})")
    help = f"write {fix.text} -> ..."
    labels = (Label(fix.span, "this only declares an input"),)
    return f.error("A044", "a flow begins with INPUT, in capitals", help=help, fix=fix, labels=labels)


def _sizes(f: Fault) -> Diagnostic | None:
    """`input 3, 32, 32`, `input [3, 32, 32]`, `input 3*32*32`."""
    listed = f.word.text == "[" and f.ahead().kind == "number"
    if not (f.word.text == "*" or listed or (f.word.kind == "number" and f.back().text == ",")):
        return None
    line = list(takewhile(lambda w: w.kind != "arrow", f.words[f.first + 1 : f.at + len(f.rest())]))
    shape = [w for w in line if w.text not in ("image", ":")]
    while shape and shape[0].kind == "name":
        shape = shape[1:]
    sizes = [w.text for w in shape if w.kind == "number"]
    if len(sizes) < 1 + (not listed) or any(w.kind != "number" and w.text not in ",*[]" for w in shape):
        return None
    span, written = f.span(shape[0], shape[-1]), "x".join(sizes)
    gap = " " * (f.words[f.first].end == span.start)
    message = "an input's sizes are written with x between, or in parentheses"
    return f.error("A044", message, span=span, help=f"write {written}", fix=Fix(span, gap + written))


def output_form(f: Fault) -> Diagnostic | None:
    if f.keyword != "output":
        return None
    if f.word.text == "@" and f.back().text in ("output", ","):
        name = f.ahead().text
        help = f"write output {name}, or output other = @{name}"
        return f.error("A065", "an output is named without '@'", help=help, fix=Fix(f.span(f.word), ""), expected=True)
    if f.back().text == "=" and f.word.kind == "name":
        fix = Fix(Span(f.source, f.word.start, f.word.start), "@")
        help = f"write @{f.word.text}"
        return f.error("A065", "what an output renames is a tap", help=help, fix=fix, expected=True)
    if f.word.kind == "name" and "COMMA" in f.accepts:
        help = f"write output {f.back().text}, {f.word.text}"
        return f.error("A040", "a ',' is missing between two outputs", help=help, fix=Fix(f.gap(), ","), expected=True)
    if f.word.text in (":", "=") and is_second(f):
        help = f"write output {f.ahead().text}"
        return f.error("A065", "an output is named without a sign", help=help, fix=Fix(f.span(f.word), ""))
    if f.word.kind == "arrow" or f.word.text in ("(", "["):
        help = "label the step, FC(10) as logits, and name the label: output logits"
        return f.error("A065", "an output is a label, not a flow", help=help, expected=True)
    if f.ends_line:
        span = f.span(f.words[f.first])
        return f.error("A065", "this output names nothing", span=span, help=f"write: {FORMS['output']}")
    return None


def import_form(f: Fault) -> Diagnostic | None:
    if f.keyword not in ("import", "from"):
        return None
    if is_second(f):
        match = re.match(r"[\w./\\-]*", f.source.text[f.word.start :])
        text = match.group() if match else ""
        message = "a file's path stands in double quotes"
        if not text or text == "import":
            return f.error("A045", message, span=f.span(f.words[f.first]), help=f"write: {FORMS[f.keyword]}")
        path = text if text.endswith(".arch") else f"{text}.arch"
        span = Span(f.source, f.word.start, f.word.start + len(text))
        rest = " import NAME" if f.keyword == "from" else ""
        return f.error("A045", message, span=span, help=f'write {f.keyword} "{path}"{rest}', fix=Fix(span, f'"{path}"'))
    if f.word.text == "as":
        help = 'import the file by a name: import "x.arch" as x, and write x.B'
        return f.error("A045", "blocks keep their names", help=help, caption="")
    if f.word.text == "*":
        return f.error("A045", "blocks are imported by name", help='name each: from "x.arch" import A, B', caption="")
    if f.ends_line:
        message = f"this {f.keyword} is not finished"
        return f.error("A045", message, help=f"write: {FORMS[f.keyword]}", expected=True)
    return None


def default_form(f: Fault) -> Diagnostic | None:
    if f.keyword != "default" or f.openers[-1:] > (f.first,):
        return None
    first = f.words[f.first + 1]
    name = first.text if first.kind == "name" and f.at > f.first + 1 else "CONV"
    rest = f.text(f.word, f.rest()[-1]) if f.word.kind == "name" else "bias=off"
    help = f"write default {name}({rest})"
    return f.error("A046", "a default is a layer with its arguments in parentheses", help=help, expected=True)


def assert_form(f: Fault) -> Diagnostic | None:
    if f.keyword != "assert" or not f.accepts <= {"STRING"}:
        return None
    help = "write assert ..., \"why\", or leave the ',' out"
    return f.error("A053", "the message behind this ',' is missing", help=help, expected=True)


TABLE: tuple[Rule, ...] = (version, input_form, output_form, import_form, default_form, assert_form)
