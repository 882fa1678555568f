"""Where blanks stand between words.

A blank stands on both sides of a word unless a rule says otherwise.  Around + - * / // % it is the author's choice, so
that 4*w and c // 2 can both be; but an operator that binds less is never tighter than what it binds, and ranges and
powers are tight.
"""

from __future__ import annotations

from archspec.format.pieces import CLOSERS, Node, Piece

_ARITHMETIC = {"PLUS", "MINUS", "STAR", "SLASH", "DSLASH", "PERCENT"}
_TIGHT = {"DOTS", "CARET"}

# rule -> its signs that touch the word before them
_AFTER_A_WORD = {
    "args": ("LPAR",), "formals": ("LPAR",), "ports": ("LSQB",), "index": ("LSQB",), "option": ("QMARK", "LPAR"),
    "repeat": ("STAR",), "rest": ("ELLIPSIS",), "attr": ("DOT",), "path": ("DOT",), "input_stmt": ("COLON",),
    "param_stmt": ("QMARK",),
}  # fmt: skip
# rule -> its sign that touches the word behind it
_BEFORE_A_WORD = {"repeat": "STAR", "attr": "DOT", "path": "DOT", "tap": "AT", "tapref": "AT"}


def set_spacing(root: Node) -> None:
    """Marks the words of a tree that touch their neighbours."""
    for node in _from_the_leaves(root):
        if node.rule == "binary":
            _space_operator(node)
        elif node.rule == "wire":
            _tighten(node.children[-1], "LSQB")
        elif node.rule in ("kwarg", "formal"):
            _tighten(node, "EQUAL", after=True)
        elif node.rule == "unary":
            _tighten(node, "MINUS", before=False, after=True)
        else:
            before, after = _AFTER_A_WORD.get(node.rule, ()), _BEFORE_A_WORD.get(node.rule)
            for child in node.children:
                if isinstance(child, Piece):
                    child.tight_before |= child.kind in before
                    child.tight_after |= child.kind == after
        for child in node.children:
            if isinstance(child, Piece):
                _space_bracket(child)


def _from_the_leaves(root: Node) -> list[Node]:
    """Every node behind all that it is made of."""
    found = [root]
    for node in found:  # grows as it goes
        found.extend(child for child in node.children if isinstance(child, Node))
    return found[::-1]


def _tighten(node: Node | Piece, kind: str, *, before: bool = True, after: bool = False) -> None:
    """Marks the first sign of a kind in a node."""
    assert isinstance(node, Node)
    for child in node.children:
        if isinstance(child, Piece) and child.kind == kind:
            child.tight_before |= before
            child.tight_after |= after
            return


def _space_bracket(piece: Piece) -> None:
    piece.tight_before |= piece.kind in ("COMMA", "RPAR", "RSQB")
    piece.tight_after |= piece.kind in CLOSERS and piece.kind != "LBRACE"


def _space_operator(node: Node) -> None:
    """A binary operator; its operands have been spaced already."""
    left, sign, right = node.children
    assert isinstance(sign, Piece)
    if sign.kind in _TIGHT:
        sign.tight_before = sign.tight_after = True
        _tighten_arithmetic([left, right])
    elif sign.kind in _ARITHMETIC:
        behind = right.first() if isinstance(right, Node) else right
        loose = sign.spaced or behind.spaced or _is_loose(left) or _is_loose(right)
        sign.tight_before = sign.tight_after = not loose


def _is_loose(operand: Node | Piece) -> bool:
    """Whether an operand is arithmetic with blanks, outside brackets."""
    while isinstance(operand, Node) and operand.rule == "unary":
        operand = operand.children[-1]
    if not isinstance(operand, Node) or operand.rule != "binary":
        return False
    sign = operand.children[1]
    assert isinstance(sign, Piece)
    return sign.kind in _ARITHMETIC and not sign.tight_before


def _tighten_arithmetic(operands: list[Node | Piece]) -> None:
    """The operands of a range or power: 0..n-1, 2*n..3*n."""
    while operands:
        operand = operands.pop()
        if isinstance(operand, Node) and operand.rule in ("binary", "unary"):
            for child in operand.children:
                if isinstance(child, Node):
                    operands.append(child)
                elif child.kind in _ARITHMETIC:
                    child.tight_before = child.tight_after = True
