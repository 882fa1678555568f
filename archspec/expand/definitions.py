"""What a file defines: blocks, nets, defaults, constants and knobs, and what it imports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from archspec import syntax
from archspec.expand.values import Scope, Value, fail, show
from archspec.limits import Budget, deep, over
from archspec.op import lookup, names
from archspec.parse import parse
from archspec.source import Fix, Label, Source, Span, nearest

FLOW_STATEMENTS = (syntax.Flow, syntax.Input, syntax.Output, syntax.Assert, syntax.Shared, syntax.For)


@dataclass(eq=False)
class Definitions:
    """One file: its syntax and the tables of its names.  `scope` holds its let and param values once computed."""

    source: Source
    file: syntax.File
    blocks: dict[str, syntax.Block] = field(default_factory=dict)
    nets: dict[str, syntax.Net] = field(default_factory=dict)
    defaults: dict[str, syntax.Default] = field(default_factory=dict)
    params: dict[str, syntax.Param] = field(default_factory=dict)
    borrowed: dict[str, tuple[Definitions, syntax.Block]] = field(default_factory=dict)  # from "x" import B
    files: dict[str, Definitions] = field(default_factory=dict)  # import "x" as name
    scope: Scope = field(default_factory=Scope)
    imported: tuple[Path, ...] = ()  # every file that was read for this one

    @property
    def statements(self) -> tuple[syntax.Statement, ...]:
        """The file's own flow, where it has no net: what stands outside every definition."""
        return tuple(s for s in self.file.statements if isinstance(s, FLOW_STATEMENTS))

    @property
    def free(self) -> bool:
        """Whether undeclared counts, `X?` and missing arguments are symbols to bind: a flow in a file without a net."""
        return not self.nets

    def block(self, name: str) -> tuple[Definitions, syntax.Block] | None:
        """The block a name stands for here, with the file whose names and defaults it uses."""
        if name in self.blocks:
            return self, self.blocks[name]
        if name in self.borrowed:
            return self.borrowed[name]
        alias, _, rest = name.partition(".")
        return self.files[alias].block(rest) if rest and alias in self.files else None

    def block_names(self) -> set[str]:
        inside = {f"{alias}.{name}" for alias, file in self.files.items() for name in file.blocks}
        return inside | self.blocks.keys() | self.borrowed.keys()


@dataclass(eq=False)
class Loader:
    """Reads files and what they import, each once.  Imports stay below `root`: no absolute path, no way out."""

    root: Path | None
    budget: Budget
    loaded: dict[Path, Definitions] = field(default_factory=dict)
    opening: list[Path] = field(default_factory=list)

    def define(self, source: Source) -> Definitions:
        """The definitions of a source.  Raises SpecError."""
        made = Definitions(source, parse(source, self.budget))
        seen: dict[str, Span] = {}
        for number, statement in enumerate(made.file.statements):
            if number and isinstance(statement, syntax.Version):
                fail("A061", "the version is the first line's", statement.span, help="move it to the top of the file")
            self._enter(made, statement, seen)
        for default in made.defaults.values():
            _check_default(made, default)
        if made.nets and made.statements:
            stray = made.statements[0].span
            message = "this stands outside every net, so no net would hold it"
            fail("A119", message, stray, help="move it between the { } of a net")
        return made

    def _enter(self, made: Definitions, statement: syntax.Statement, seen: dict[str, Span]) -> None:
        match statement:
            case syntax.Version(span, number) if number != 1:
                message = f"this file is for version {number} of the language, this archspec reads version 1"
                fail("A705", message, span, help="write archspec 1, or install a newer archspec")
            case syntax.Block(name=name) | syntax.Net(name=name):
                _once(seen, name, statement.name_span)
                _check_formals(statement)
                if isinstance(statement, syntax.Net):
                    made.nets[name] = statement
                else:
                    made.blocks[name] = statement
            case syntax.Default(name=name):
                _once(seen, f"default {name}", statement.name_span)
                card = lookup(name)
                made.defaults[card.name if card is not None else name] = statement
            case syntax.Let(name=name):
                _once(seen, f"value {name}", statement.span)
            case syntax.Param(name=name):
                _once(seen, f"value {name}", statement.span)
                made.params[name] = statement
            case syntax.Import(span, path, name):
                alias = name or Path(path).stem
                _once(seen, alias, span)
                made.files[alias] = self._import(made.source, path, span)
            case syntax.FromImport():
                self._borrow(made, statement, seen)

    def _borrow(self, made: Definitions, statement: syntax.FromImport, seen: dict[str, Span]) -> None:
        """`from "x" import A, B`."""
        other = self._import(made.source, statement.path, statement.span)
        for name in statement.names:
            _once(seen, name, statement.span)
            found = other.block(name)
            if found is None:
                _no_block(other, name, statement.path, statement.span)
            made.borrowed[name] = found

    def _import(self, source: Source, path: str, span: Span) -> Definitions:
        here = Path(source.directory) if source.directory else self.root
        if here is None or self.root is None:
            fail("A706", "a text without a file cannot import by path", span, help="save the spec to a file")
        if Path(path).is_absolute() or "://" in path or "\\" in path:
            fail("A703", "imports are relative paths", span, help='write "blocks/heads.arch"')
        try:
            target = (here / path).resolve()
        except (OSError, ValueError):
            fail("A702", "this is no path of a file", span, help='write "blocks/heads.arch"')
        if not target.is_relative_to(self.root.resolve()):
            message = f"{path} lies outside {self.root.name or 'the project'}"
            fail("A703", message, span, help="move the file in, beside what imports it or below")
        if target in self.opening:
            others = len(self.opening) - 1 - self.opening.index(target)
            through = f", through {others} other file{'s' * (others != 1)}" if others else ""
            fail("A704", f"{path} imports itself{through}", span, help="move what both need to a file of its own")
        if target not in self.loaded:
            limits = self.budget.limits
            if len(self.opening) >= limits.import_depth:
                over(
                    "A610",
                    f"imports are more than {limits.import_depth} files deep, at {path}",
                    span,
                    "import_depth",
                    "import the file itself",
                )
            if len(self.loaded) >= limits.files:
                over(
                    "A606",
                    f"more than {limits.files} files are imported, at {path}",
                    span,
                    "files",
                    "copy the blocks you need into one file",
                )
            try:
                with target.open("rb") as file:
                    text = file.read(limits.source_bytes + 1).decode("utf-8-sig")
            except (OSError, UnicodeDecodeError) as why:
                reason = "it is no UTF-8 text" if isinstance(why, UnicodeDecodeError) else why.strerror or "unreadable"
                fail("A702", f"cannot read {path}: {reason}", span, help="paths begin where this file is")
            self.opening.append(target)
            name = str(Path(source.name).parent / path) if source.directory else path
            self.loaded[target] = self.define(Source(name, text, str(target.parent)))
            self.opening.pop()
        return self.loaded[target]


def _once(seen: dict[str, Span], name: str, span: Span) -> None:
    """Refuses a second definition of one name; constants and defaults have names of their own kind."""
    if name in seen:
        message = f"{name.removeprefix('value ')} is defined twice"
        fail("A109", message, span, labels=(Label(seen[name], "first here"),), help="leave one out, or rename it")
    seen[name] = span


def _check_formals(what: syntax.Block | syntax.Net) -> None:
    """Refuses one name for two arguments, two ports, or an argument and a port."""
    seen: dict[str, Span] = {}
    for formal in what.formals:
        _once(seen, formal.name, formal.span)
    for port in what.ports if isinstance(what, syntax.Block) else ():
        _once(seen, port.name, port.span)


def _check_default(made: Definitions, default: syntax.Default) -> None:
    if lookup(default.name) is not None:
        return
    if made.block(default.name) is not None:
        help = f"give the block's arguments their defaults: block {default.name}(c=64) = ..."
        fail("A118", f"{default.name} is a block, and default is for layers", default.name_span, help=help)
    near = nearest(default.name, names())
    help = f"did you mean {near}?" if near else "`archspec ops` lists the layers"
    fix = Fix(default.name_span, near) if near else None
    fail("A101", f"no layer is named {default.name}", default.name_span, caption="unknown", help=help, fix=fix)


def _no_block(other: Definitions, name: str, path: str, span: Span) -> NoReturn:
    if name in other.nets:
        fail("A107", f"{name} is a net of {path}, and only blocks are imported", span, help="make a block of it")
    near = nearest(name, other.block_names())
    help = f"did you mean {near}?" if near else f"it has {', '.join(sorted(other.blocks)) or 'no blocks'}"
    fail("A107", f"{path} has no block {name}", span, help=help)


def settle_names(
    made: Definitions,
    evaluate: Callable[[Scope, syntax.Expr], Value],
    bound: Callable[[str], tuple[bool, Value]],
) -> None:
    """Computes a file's let and param values in order, after those of the files it imports.

    `bound` says what the command line binds to a param of the file that is being run.
    """
    for other in [*made.files.values(), *(definitions for definitions, _ in made.borrowed.values())]:
        if other is not made and not other.scope.values:
            settle_names(other, evaluate, lambda _: (False, None))
    for statement in made.file.statements:
        with deep(statement.span):
            if isinstance(statement, syntax.Let):
                made.scope.values[statement.name] = evaluate(made.scope, statement.value)
            elif isinstance(statement, syntax.Param):
                settle_param(made.scope, statement, evaluate, bound)


def settle_param(
    scope: Scope,
    param: syntax.Param,
    evaluate: Callable[[Scope, syntax.Expr], Value],
    bound: Callable[[str], tuple[bool, Value]],
) -> None:
    """Gives a knob its value, from outside or its default, and checks it against its domain."""
    given, value = bound(param.name)
    if not given:
        if param.value is None:
            fail(
                "A402",
                f"param {param.name} has no value",
                param.span,
                help=f"bind it: -D {param.name}=..., or write a default: param {param.name} = ...",
            )
        value = evaluate(scope, param.value)
    if param.domain is not None:
        domain = evaluate(scope, param.domain)
        allowed = domain if isinstance(domain, list) else [domain]
        for entry in value if isinstance(value, list) and value not in allowed else [value]:
            if entry not in allowed:
                message = f"{param.name} = {show(entry)} is not in {show(domain)}"
                fail("A211", message, param.domain.span, help="give it one of these values, or widen the domain")
    scope.values[param.name] = value
