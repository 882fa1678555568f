"""Arguments of a call: matched to a card's fields or a block's formals, evaluated where they were written."""

from __future__ import annotations

from functools import cache
from typing import Any, NoReturn

from archspec import syntax
from archspec.expand import lints
from archspec.expand.draft import Arguments, Plan, wanted
from archspec.expand.evaluate import Evaluator
from archspec.expand.place import Place
from archspec.expand.session import Session
from archspec.expand.values import Callee, Word, fail, kind, show, whole
from archspec.op import Op, by, names, words
from archspec.source import Fix, Label, Span, nearest

_CONSTANT = (syntax.Literal, syntax.Dims)
_words = cache(words)
_SWITCHES = {"true": "on", "yes": "on", "false": "off", "no": "off", "none": "off"}


@cache
def takes(card: type[Op]) -> tuple[str, ...]:
    """The names of a card's arguments, those given by position first."""
    rest = [name for name in card.model_fields if name not in card.positional]
    return (*card.positional, *rest, *(("act",) if card.act else ()))


def card_arguments(
    x: Session, card: type[Op], layer: syntax.Layer, place: Place, at: Place, rank: int
) -> tuple[Arguments, Callee | None]:
    """A card's arguments as written over the file's defaults, and its `act`.

    `place` is where the arguments are looked up, `at` where the layer stands (they differ for an operator handed to a
    block); a required argument that is missing there is a hole, or an error.
    """
    given = layer.args or ()
    default = place.definitions.defaults.get(card.name)
    key = (card.name, id(given), id(default))
    _check_order(card, given, rank)
    plan = x.plans.get(key)
    if plan is None:
        if "vocabulary" in card.model_fields:
            lints.indices(x, card, layer.span)
        plan = x.plans[key] = _plan(x, card, given, default.args if default else (), place, rank)
    if not plan.computed and not plan.missing:
        _check_first(x, card, given, plan.constants, rank)
        return plan.constants, None
    arguments = dict(plan.constants)
    evaluate = x.evaluator(place)
    home = None
    for name, arg, by_default in plan.computed:
        if by_default and home is None:
            home = x.evaluator(Place(place.definitions, place.definitions.scope, place.body, place.counter))
        evaluator = home if by_default and home is not None else evaluate
        arguments[name] = (_value(x, card, name, arg, evaluator), arg.value.span)
    act, act_span = arguments.pop("act", (None, layer.span))
    if isinstance(act, Word) and act.name == "none":
        act = None  # over the file's default
    if act is not None and not isinstance(act, Callee):
        _no_activation(act, act_span)
    for name in plan.missing:
        arguments[name] = x.free.hole(layer, card, name, place if place.free else at)
    _check_first(x, card, given, arguments, rank)
    return arguments, act


def _check_first(x: Session, card: type[Op], given: tuple[syntax.Arg, ...], arguments: Arguments, rank: int) -> None:
    """Says at the first layer what its input hardly can be."""
    if len(x.draft.nodes) != 1 or "kernel" not in card.model_fields:
        return
    if rank == 1:
        lints.grey(x, card, arguments)
    example = lints.without_batch(x.draft.nodes[0].shape)
    sizes = next((a.value for a in given if isinstance(a.value, syntax.Dims) and len(a.value.sizes) == rank - 1), None)
    if example and sizes:
        message = f"{sizes.span.text} has {rank - 1} sizes, the input has {rank} axes behind its channels"
        fail("A205", message, sizes.span, help=f"the batch is not written: INPUT({by(example)})")


def _plan(
    x: Session, card: type[Op], given: tuple[syntax.Arg, ...], default: tuple[syntax.Arg, ...], place: Place, rank: int
) -> Plan:
    _check_order(card, default, rank)
    matched = {name: (arg, True) for name, arg in _matched(card, default).items()}
    matched |= {name: (arg, False) for name, arg in _matched(card, given).items()}
    evaluate = x.evaluator(place)
    constants: Arguments = {}
    computed = []
    for name, (arg, by_default) in matched.items():
        if isinstance(arg.value, _CONSTANT):
            constants[name] = (_value(x, card, name, arg, evaluate), arg.value.span)
        else:
            computed.append((name, arg, by_default))
    missing = tuple(n for n, field in card.model_fields.items() if field.is_required() and n not in matched)
    return Plan(given, constants, tuple(computed), missing)


def _no_activation(act: Any, span: Span) -> NoReturn:
    if not isinstance(act, Word):
        fail("A204", f"act cannot be {show(act)}", span, help="write act=RELU, or a step of its own: -> RELU")
    near = nearest(act.name, {n for n in names() if not n.islower()})
    help = f"did you mean act={near}?" if near else "write act=RELU, or a step of its own: -> RELU"
    fix = Fix(span, near) if near else None
    fail("A101", f"no layer is named {act.name}", span, caption="unknown", help=help, fix=fix)


def _matched(card: type[Op], given: tuple[syntax.Arg, ...]) -> dict[str, syntax.Arg]:
    """Which argument each one is, by name or by position."""
    check_names(card, given)
    known = takes(card)
    matched: dict[str, syntax.Arg] = {}
    positions = iter(card.positional)
    for arg in _gathered(given) if card.variadic else given:
        name = arg.name if arg.name is not None else next(positions, None)
        if name is None:
            from archspec.expand import slips  # its many words are for those who need them

            slips.too_many(card, arg, given, known)
        if name in matched:
            labels = (Label(matched[name].value.span, "first here"),)
            fail("A215", f"{name} is given twice", arg.span, labels=labels, help="leave one out")
        _check_comparison(card, arg, known)
        matched[name] = arg
    return matched


def check_names(card: type[Op], given: tuple[syntax.Arg, ...]) -> None:
    """Refuses an argument by a name that the card does not have; an input's options are the statement's."""
    known = takes(card)
    for arg in given if card.arity[1] else ():
        if arg.name is not None and arg.name not in known:
            from archspec.expand import slips  # its many words are for those who need them

            slips.unknown_argument(card, arg.name, arg, known)


def _check_comparison(card: type[Op], arg: syntax.Arg, known: tuple[str, ...]) -> None:
    """Catches `CONV(64, stride==2)`."""
    value = arg.value
    if not isinstance(value, syntax.Binary) or value.op != "==" or not isinstance(value.left, syntax.Ref):
        return
    if value.left.name in known:
        written = f"{value.left.name}={value.right.span.text}"
        message = "an argument is given with one '='"
        fail("A229", message, value.span, help=f"write {written}", fix=Fix(value.span, written))


def _gathered(given: tuple[syntax.Arg, ...]) -> list[syntax.Arg]:
    """Several values by position as one tuple: CROP((1, 0), (1, 0))."""
    first = [arg for arg in given if arg.name is None]
    if len(first) < 2:
        return list(given)
    span = first[0].span.to(first[-1].span)
    together = syntax.Arg(span, None, syntax.Tuple(span, tuple(arg.value for arg in first)), span)
    return [together, *(arg for arg in given if arg.name is not None)]


def _value(x: Session, card: type[Op], name: str, arg: syntax.Arg, evaluate: Evaluator) -> Any:
    """One argument: a word of the card, or a value in which every name is defined; lists become tuples."""
    value = evaluate(arg.value)
    if isinstance(value, str):
        from archspec.expand import slips

        slips.text(card, name, value, arg)
    if name == "act":
        return value
    if isinstance(arg.value, syntax.Ref) and not isinstance(value, Word | Callee):
        _warn_of_shadow(x, card, name, arg.value)
    if isinstance(value, Word | Callee):
        choices = words(card, name)
        if value.name in choices:
            return value.name
        if isinstance(value, Word) and (choices or value.name.lower() in _SWITCHES):
            _no_word(card, name, value, choices)
        from archspec.expand import slips

        slips.misplaced(card, name, arg)
        evaluate.need(arg.value)
    return _frozen(whole(value), card, name, arg, evaluate)


def _warn_of_shadow(x: Session, card: type[Op], name: str, ref: syntax.Ref) -> None:
    """A let or argument that is spelt as one of the card's words, and so hides it."""
    if ref.name in _words(card, name):
        message = f"{name}={ref.name} reads the {ref.name} that is defined here, not {card.name}'s word"
        x.warn("W102", message, ref.span, "rename the definition")


def _no_word(card: type[Op], name: str, value: Word, choices: tuple[str, ...]) -> NoReturn:
    """A word that is none of the argument's; `true` and `False` are spelt on and off."""
    near = _SWITCHES.get(value.name.lower()) or nearest(value.name, choices)
    help = f"write {near}" if near in ("on", "off") else f"did you mean {near}?" if near else ""
    fix = Fix(value.span, near) if near else None
    help = help or f"{name} takes {wanted(card, name, choices)}"
    fail("A204", f"{card.name}'s {name} cannot be {value.name}", value.span, help=help, fix=fix)


def _frozen(value: Any, card: type[Op], name: str, arg: syntax.Arg, evaluate: Evaluator) -> Any:
    """Lists as tuples, at any depth.  No card takes an operator, and each name in it has to be known."""
    if isinstance(value, Callee):
        help = f"{name} takes {wanted(card, name, words(card, name))}"
        fail("A204", f"{card.name}'s {name} cannot be {value}, a layer or block", arg.value.span, help=help)
    if isinstance(value, Word):
        evaluate.need(syntax.Ref(value.span, value.name))
    if isinstance(value, list | tuple):
        return tuple(_frozen(entry, card, name, arg, evaluate) for entry in value)
    return value


def _check_order(card: type[Op], given: tuple[syntax.Arg, ...], rank: int) -> None:
    """Catches `CONV(3x3, 64)` and `CONV(3, 64)`, where kernel and channels are swapped, and `DWCONV(64, 3x3)`."""
    if not given or given[0].name:
        return
    first = given[0].value
    second = given[1].value if len(given) > 1 and not given[1].name else None
    if card.positional[:2] == ("channels", "kernel") and isinstance(second, syntax.Literal):
        if isinstance(first, syntax.Dims) or (isinstance(second.value, int) and rank >= 2):
            from archspec.expand import slips

            slips.swapped(card, given, first, second, rank)
    elif rank >= 2 and card.positional[:1] == ("kernel",) and "multiplier" in card.model_fields:
        number = first.value if isinstance(first, syntax.Literal) and type(first.value) is int else 0
        if number > lints.LARGEST_KERNEL or (number and isinstance(second, syntax.Dims) and max(second.sizes) > 2):
            from archspec.expand import slips

            slips.channels_of_none(card, first, second, rank)


def word_of(x: Session, arg: syntax.Arg, place: Place, choices: tuple[str, ...], owner: str) -> str:
    """An argument that is one of a combinator's words."""
    value = x.evaluator(place)(arg.value)
    name = value.name if isinstance(value, Word) else None
    if name not in choices:
        near = nearest(arg.value.span.text, choices)
        hint = f"did you mean {near}?" if near else f"it takes {', '.join(choices)}"
        given = name or kind(value)
        fail("A204", f"{owner}'s {arg.name} cannot be {given}", arg.value.span, help=hint)
    return name


def unknown_word(owner: str, arg: syntax.Arg, known: tuple[str, ...], choices: tuple[str, ...] = ()) -> NoReturn:
    """Refuses an argument that a combinator does not have, or one of its words without the argument's name."""
    if arg.name is None:
        written = f"{known[0]}={arg.span.text}"
        sure = arg.span.text in choices or not choices
        help = f"write {owner}({written})[...]" if sure else f"{owner} takes {', '.join(known)}"
        fix = Fix(arg.span, written) if sure else None
        fail("A214", f"{owner}'s arguments are given by name", arg.span, help=help, fix=fix)
    near = nearest(arg.name, known)
    help = f"did you mean {near}?" if near else f"{owner} takes {', '.join(known)}"
    fix = Fix(arg.name_span, near) if near else None
    fail("A201", f"{owner} has no argument {arg.name}", arg.name_span, caption="unknown argument", help=help, fix=fix)
