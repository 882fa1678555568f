"""What an unknown name was meant to be: another spelling, the papers' shorthand, another framework's name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NoReturn

from archspec.expand.place import Place
from archspec.expand.values import Callee, Scope, Word, fail
from archspec.op import Op, lookup, names
from archspec.source import is_slip, nearest

_NUMBERED = re.compile(r"([A-Za-z]+?)_?(\d+)(?:x(?=\2(?:\D|\Z))\2)?(?:[_x](\d+))?")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SHORTENED = {"avg": "average", "conv": "convolution", "norm": "normalisation", "pool": "pooling"}


def layer_hint(name: str, place: Place) -> tuple[str, str | None]:
    """Help for a layer or block that nobody knows, and the name to put in its place where nothing else can be meant."""
    if name in place.body.labels or name in place.body.indexed:
        return f"{name} is a label: write @{name}", f"@{name}"
    if name.lower() == "output":
        return (
            "the end of a flow is the output by itself; to name outputs write a line: output NAME, ...",
            None,
        )
    if name.partition(".")[0] not in place.definitions.files:
        name = name.rpartition(".")[2]  # nn.ReLU
    written = _as_shorthand(name)
    if written:
        return written, None
    layers = {n for n in names() if not n.islower()}
    handed = {n for n in place.scope.names() if isinstance(place.scope.find(n)[1], Callee)}
    own = handed | place.definitions.block_names() | place.definitions.nets.keys() | place.body.streams.keys()
    meant = elsewhere(name)
    near = nearest(name, own if meant else own | layers)
    if near:
        return f"did you mean {near}?", near if is_slip(name, near) else None
    if meant and meant.islower():
        return f"write {meant}[{'F' if meant == 'res' else 'a | b'}], with flows in the brackets", None
    if meant:
        return f"did you mean {meant}?", meant
    described = _as_described(name)
    if described:
        return f"did you mean {described}?", None
    if name.istitle():
        return f"define it, block {name} = CONV(64) -> RELU; or take a layer, `archspec ops` lists them", None
    return "`archspec ops` lists the layers", None


def unknown_value(value: Word, scope: Scope, functions: Iterable[str]) -> NoReturn:
    """Says that a name in a value is defined nowhere, and what it may have been meant to be."""
    name = value.name
    if name == "cin":
        message = "cin is the number of channels entering a block, and this is no block"
        fail("A104", message, value.span, help="write a block around it: block Down = CONV(cin // 2, 1x1)")
    if name in ("first", "last"):
        message = f"{name} belongs to a repeat, and there is none around it in this block"
        fail("A105", message, value.span, help="use it inside [ ... ]*n, or hand the block an argument")
    near = nearest(name, scope.names() | set(functions))
    parts = name.split("x")
    if len(parts) > 1 and all(part.isdigit() or (part.isidentifier() and len(part) < 3) for part in parts):
        help = f"sizes by name are a tuple: write ({', '.join(parts)})"
    elif name in functions:
        help = f"{name} is a function: write {name}(a, b)"
    elif near:
        help = f"did you mean {near}?"
    else:
        help = "define it with let or param, or as an argument of the block"
    fail("A102", f"nothing is named {name}", value.span, caption="unknown", help=help)


def _as_shorthand(name: str) -> str:
    """`conv3_64`, `conv3`, `FC4096`: how the shorthand is written."""
    match = _NUMBERED.fullmatch(name)
    card = lookup(match[1].upper()) if match else None
    if match is None or card is None or card.name.islower() or name.upper() in names():
        return ""
    word, first, second = match[1], match[2], match[3]
    width = next((field for field in ("channels", "width") if field in card.model_fields), None)
    kernel = "kernel" in card.model_fields
    if width and kernel:
        large = int(first) > 11
        k, w = ("3", first) if large and not second else (first, second or "64")
        return f"write {word}{k}-{w}, or {word.upper()}({w}, {k}x{k})"
    if width:
        return f"write {word}-{first}, or {word.upper()}({first})"
    if not kernel or "stride" not in card.model_fields:
        return f"write {word.upper()}({first}x{first})" if kernel else ""
    usual = "1" if card.model_fields["stride"].default else first  # a pool's is its kernel
    stride = second or usual
    given = f", stride={stride}" if stride != usual else ""
    return f"write {word}{first}/{stride}, or {word.upper()}({first}x{first}{given})"


# Names that other frameworks have, without their dimensions, where no spelling or description leads to ours.
_NAMES = {
    "FC": ("dense",),
    "MAXPOOL": ("maxpooling",),
    "AVGPOOL": ("averagepooling", "avgpooling"),
    "BN": ("batchnormalization", "batchnormalisation"),
    "LN": ("layernormalization", "layernormalisation"),
    "GN": ("groupnormalization", "groupnormalisation"),
    "UPCONV": ("deconv", "deconvolution", "tconv", "convt"),
    "UPSAMPLE": ("upsampling", "interpolate", "resize"),
    "PAD": ("zeropadding", "zeropad", "reflectionpad", "replicationpad"),
    "EMBED": ("embedding", "embeddings"),
    "ID": ("identity",),
    "add": ("sum",),
    "concat": ("concatenate", "concatenation", "cat"),
    "mul": ("multiply", "times"),
    "mean": ("average",),
    "res": ("residual", "skip"),
}


def elsewhere(name: str) -> str | None:
    """What another framework's name is here."""
    plain = re.sub(r"[123]d|_", "", name.lower())
    return next((ours for ours, theirs in _NAMES.items() if plain in theirs), None)


def _as_described(name: str) -> str | None:
    """The operator whose first words say what another framework calls it: BatchNorm2d, GlobalAveragePooling."""
    if len(name) < 5:
        return None  # Head, Cell, Fire: a block that is missing rather than a layer described
    wanted = [_SHORTENED.get(part.lower(), part.lower()) for part in _PARTS.findall(name) if part.lower() != "d"]
    best: tuple[int, int, str] | None = None
    for candidate in names():
        place = _place_in(wanted, lookup(candidate))
        if place is not None:
            best = min(best or (99, 99, ""), (place, len(candidate), candidate))
    return best[2] if best else None


def _place_in(wanted: list[str], card: type[Op] | None) -> int | None:
    """How far into a card's description all the wanted words stand, or None."""
    said = re.findall(r"[a-z]+", (card.__doc__ or "").lower() if card else "")[:6]
    places = [next((i for i, word in enumerate(said) if _alike(part, word)), None) for part in wanted]
    found = [place for place in places if place is not None]
    return max(found) if len(found) == len(wanted) and max(map(len, wanted), default=0) > 3 else None


def _alike(part: str, word: str) -> bool:
    """Whether two words share a stem: batch and batch, transpose and transposed."""
    return (
        word == part
        or (len(part) > 3 and word.startswith(part.rstrip("e")))
        or (len(word) > 4 and part.startswith(word))
    )


_ARGUMENTS = {
    "channels": ("filters", "features", "out_channels", "out_features", "units", "out", "width", "num_filters"),
    "width": ("units", "features", "out_features", "out", "channels", "hidden", "neurons"),
    "kernel": ("kernel_size", "size", "k", "pool_size", "filter_size", "ksize", "window"),
    "pad": ("padding", "same", "pads"),
    "stride": ("step", "s", "subsample"),
    "dilation": ("dilation_rate", "rate", "atrous"),
    "rate": ("p", "prob", "probability", "drop_prob", "keep_prob", "drop_rate"),
    "bias": ("use_bias", "has_bias"),
    "act": ("activation", "nonlinearity"),
    "groups": ("num_groups", "cardinality", "g"),
    "factor": ("scale", "scale_factor", "size"),
    "slope": ("negative_slope", "alpha", "leak"),
    "heads": ("num_heads", "nhead"),
}


def argument_hint(name: str, known: tuple[str, ...]) -> str | None:
    """The argument that a name, misspelt or another framework's, stands for."""
    meant = next((ours for ours, theirs in _ARGUMENTS.items() if ours in known and name.lower() in theirs), None)
    return meant or nearest(name, known)
