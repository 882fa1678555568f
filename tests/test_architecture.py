"""Who may import whom, how long a file and a function may be, and what must not be written down."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "archspec"
MODULES = sorted(PACKAGE.rglob("*.py"))

# module (or package) -> what of archspec it may import beside its own package; the longest prefix decides.
# docs/architecture.md has the same table.
MAY_IMPORT = {
    "": (),  # the package itself: names that load when they are used
    "resources": (),
    "source": (),
    "op": (),
    "padding": ("op",),
    "field": ("op",),
    "files": ("source",),
    "limits": ("record", "source"),
    "zoo": ("resources", "source"),
    "record": (),
    "silence": ("pages", "source"),
    "syntax": ("source", "record"),
    "lexer": (),
    "tables": ("resources", "lexer"),
    "actions": ("source", "syntax"),
    "parse": ("actions", "source", "syntax", "tables", "limits", "mistakes"),
    "mistakes": ("source", "parse"),
    "format": ("parse", "record", "source", "syntax"),
    "saved": (),
    "formula": (),
    "ops": ("formula", "op", "padding", "saved"),
    "graph": ("op", "source", "record"),
    "expand": ("syntax", "graph", "op", "source", "record", "limits", "parse"),  # parse reads -D values and imports
    "gradients": ("graph", "op"),
    "analyze": ("graph", "op", "source", "field", "record"),
    "conventions": ("op",),
    "counting": ("analyze", "conventions", "op", "record", "source"),
    "optimizers": ("source",),
    "memory": ("analyze", "gradients", "graph", "op", "optimizers", "record", "saved", "source"),
    "work": ("analyze", "gradients", "graph", "op", "optimizers", "record"),
    "explain": ("analyze", "field", "formula", "graph", "op", "report.grid", "report.wording", "source"),
    "check": ("", "expand", "limits", "model", "pages", "record", "silence", "source"),
    "pages": ("limits", "model", "record", "source"),
    "asserts": ("analyze", "expand", "field", "limits", "memory", "source", "syntax", "work"),
    "fold": ("graph", "op"),
    "report": (
        "",
        "analyze",
        "conventions",
        "counting",
        "field",
        "fold",
        "graph",
        "memory",
        "op",
        "optimizers",
        "source",
        "resources",
        "work",
    ),
    "weights": ("graph", "op", "emit.names"),
    "emit": ("", "analyze", "fold", "files", "graph", "op", "ops.input", "padding", "source", "weights"),
    "verify": ("emit", "weights", "analyze", "graph", "op", "ops.input", "source"),
    "match": ("expand", "graph", "limits", "model", "op", "record", "report.wording", "source", "syntax"),
    "compare": ("analyze", "fold", "graph", "op", "record", "report.grid", "report.wording"),
    "lint": ("analyze", "field", "graph", "op", "source"),
    "rewrite": ("emit.names", "graph", "op", "source"),
    "model": ("", "*"),
    "commands": ("", "*"),
    "__main__": ("", "*"),
}

# Other people's libraries, at the top of a module; inside a function any may be imported.
LIBRARIES = {
    "op": {"pydantic"},
    "graph": {"pydantic"},
    "ops": {"pydantic"},
    "expand": {"pydantic"},
    "analyze": {"pydantic"},
    "report": {"pydantic"},
    "lexer": {"lark"},
    "tables": {"lark"},
    "parse": {"lark"},
    "actions": {"lark"},
    "mistakes": {"lark"},
    "format": {"lark"},
    "commands": {"click"},
    "__main__": {"click"},
    "emit": {"numpy", "onnx", "graphviz"},
}


def name_of(path: Path) -> str:
    """The module's dotted name below archspec; "" is the package."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def row(table: dict[str, object], name: str) -> object:
    while name not in table and name:
        name = name.rpartition(".")[0]
    return table.get(name)


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Every module that a file imports, and whether at its top; imports for type checkers alone count nowhere."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    hidden = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    within = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) not in within) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            submodules = [
                a.name for a in node.names if (PACKAGE.parent / module.replace(".", "/") / f"{a.name}.py").exists()
            ]
            for submodule in submodules:
                yield f"{module}.{submodule}", id(node) not in within
            if len(submodules) < len(node.names):
                yield module, id(node) not in within


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_follow_the_table(path: Path) -> None:
    name = name_of(path)
    allowed = row(MAY_IMPORT, name)
    assert isinstance(allowed, tuple), f"archspec.{name} is in no row of the import table"
    allowed += (name.partition(".")[0],)
    libraries = row(LIBRARIES, name) or set()
    assert isinstance(libraries, set)
    for module, at_top in imports(path):
        first, _, rest = module.partition(".")
        if first == "archspec":
            fine = "*" in allowed or any(rest == a or (a and rest.startswith(a + ".")) for a in allowed)
            assert fine, f"archspec.{name} imports {module}"
        elif at_top and first not in sys.stdlib_module_names:
            assert first in libraries, f"archspec.{name} imports {module} at its top"


def test_operators_are_looked_up_and_never_imported() -> None:
    """An operator can be deleted by deleting its class: outside its own family nobody names it."""
    for path in MODULES:
        if not name_of(path).startswith("ops"):
            # INPUT is where every graph begins, so the emitters know it.
            named = [m for m, _ in imports(path) if m.startswith("archspec.ops.") and m != "archspec.ops.input"]
            assert not named, f"{path.name} imports {named}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 350, "a room too crowded: split it"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno is not None
            length = node.end_lineno - node.lineno + 1
            assert length <= 50, f"{node.name} has {length} lines"


def test_every_module_says_what_it_is_for() -> None:
    for path in MODULES:
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def tracked() -> list[Path]:
    """The files of the repository, or of an unpacked archive of it."""
    try:
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        files = [ROOT / line for line in listed.splitlines()]
    except (OSError, subprocess.CalledProcessError):
        files = [p for folder in ("archspec", "grammar", "specs", "tests", "docs") for p in (ROOT / folder).rglob("*")]
    return [path for path in files if path.is_file()]


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    pattern = re.compile(rb"(?<![\w.])/(?:work|tmp|root|home|Users|opt|mnt)/[\w.]|C:\\\\Users")
    for path in tracked():
        found = pattern.search(path.read_bytes())
        assert not found, f"{path.relative_to(ROOT)}: {found.group()!r}"


def test_the_package_loads_its_names_when_they_are_used() -> None:
    code = (
        "import sys; before = set(sys.modules); import archspec; assert archspec.__version__;"
        "print([m for m in {*sys.modules} - before - {'archspec'} if m.split('.')[0] not in sys.stdlib_module_names])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_the_public_names_exist() -> None:
    import archspec

    for name in archspec.__all__:
        assert getattr(archspec, name) is not None
    assert {*archspec.__all__} <= {*dir(archspec)}
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        archspec.lod  # noqa: B018
