"""What `archspec check` finds, how it tells it to people and to programs, and what --fix does to a file."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import ROOT, Run
from hypothesis import given, settings
from hypothesis import strategies as st

from archspec.check import Checked, check
from archspec.check.annotations import to_annotations
from archspec.check.document import schema, to_json
from archspec.check.fixes import fix
from archspec.check.sarif import to_sarif
from archspec.limits import Limits
from archspec.model import UsageError
from archspec.pages import Page, pages
from archspec.source import Diagnostic, Fix, Source, Span

SPECS = sorted((ROOT / "specs").rglob("*.arch"))
TWO = """\
block B(c) = CONV(c, strid=2)
net One {
  input 3x8x8
  INPUT -> B(8)
}
net Two {
  input 3x8x8
  INPUT -> B(4) -> B(8)
}
net Three(c) {
  input 3x8x8
  INPUT -> CONV(c)
}
"""


def checked(text: str, net: str | None = None) -> Checked:
    return check(Source("net.arch", text), net)


def codes(text: str) -> list[str]:
    return [finding.code for finding in checked(text).findings]


# ---------------------------------------------------------------- what is found


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_the_networks_that_ship_have_nothing_wrong(path: Path) -> None:
    found = check(Source(path.name, path.read_text(), str(path.parent))).findings
    assert not [f for f in found if f.severity != "note"]


def test_every_net_that_needs_no_arguments_is_checked_and_one_cause_told_once() -> None:
    found = checked(TWO)
    assert found.nets == ("One", "Two") and found.skipped == ("Three",)
    assert [f.code for f in found.findings] == ["A201"] and not found.is_valid
    assert checked(TWO, "Two").nets == ("Two",)
    with pytest.raises(UsageError, match="no net is named Four"):
        checked(TWO, "Four")


def test_asserts_are_each_nets_own() -> None:
    text = "net A(n=4) {\n  input 3x8x8\n  INPUT -> CONV(n)\n  assert params < 100\n}\nnet B = A(n=8)\n"
    found = checked(text)
    assert [(f.code, f.trace[0]) for f in found.findings] == [("A501", "net: A"), ("A501", "net: B")]
    assert found.is_valid and found.count("error") == 2


def test_what_is_open_is_a_note_and_names_are_checked_all_the_same() -> None:
    assert [(f.code, f.severity) for f in checked("INPUT -> [CONV -> RELU]*N -> FC").findings] == [("A401", "note")]
    assert codes("INPUT -> [COVN -> RELU]*N -> FC(10)") == ["A101", "A401"]
    assert codes("INPUT -> [CONV(strid=2) -> RELU]*N -> FC(10)") == ["A201", "A401"]
    assert checked("net A {\n  input (3, H, W)\n  INPUT -> CONV(8)\n}").is_valid


def test_a_library_of_blocks_is_read() -> None:
    assert checked("block B(c) = CONV(c)\n") == Checked(Source("net.arch", "block B(c) = CONV(c)\n"), (), (), ())
    assert codes("block B(c) = CONV(c") == ["A012"]
    assert codes("block CBR(c) = CONV(c)") == ["W101"]
    assert codes("") == ["A117"]


# ---------------------------------------------------------------- how it is told

CONTEXT = """\
net A {
  input 3x8x8
  INPUT -> res[CONV(4)] -> FC(10, bais=off) as logits
}
net B {
  input 3x8x8
  INPUT -> FC(10) as logits
  INPUT -> FC(3)
  output logits
  assert params < 5, "50%, no more"
}
"""


def test_json_is_valid_and_points_at_the_text() -> None:
    document = json.loads(to_json([checked(CONTEXT), checked("INPUT(3x8x8) → CONV(4)")]))
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(document, schema(), cls=jsonschema.Draft202012Validator)
    assert document["schema"] == "archspec.diagnostics/1"
    assert document["totals"] == {"errors": 4, "warnings": 1, "notes": 1}
    assert [spec["valid"] for spec in document["specs"]] == [False, False]
    first = document["diagnostics"][0]
    place = first["place"]
    line = CONTEXT.splitlines()[place["line"] - 1]
    assert (first["code"], line[place["column"] - 1 : place["end_column"] - 1]) == ("A307", "res")
    last = document["diagnostics"][-1]
    assert (last["code"], last["fix"]["text"]) == ("A002", "->")


def test_the_schema_refuses_what_it_does_not_know() -> None:
    document = json.loads(to_json([checked(CONTEXT)]))
    for change in ({"severity": "fatal"}, {"place": {"line": 0}}, {"more": 1}):
        wrong = document | {"diagnostics": [document["diagnostics"][0] | change]}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema(), cls=jsonschema.Draft202012Validator)


REGION = {
    "type": "object",
    "required": ["startLine", "startColumn", "endLine", "endColumn"],
    "additionalProperties": False,
    "properties": {
        side: {"type": "integer", "minimum": 1} for side in ("startLine", "startColumn", "endLine", "endColumn")
    },
}
TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
ARTIFACT = {"type": "object", "required": ["uri"], "properties": {"uri": {"type": "string", "format": "uri-reference"}}}
PHYSICAL = {
    "type": "object",
    "required": ["artifactLocation"],
    "properties": {"artifactLocation": ARTIFACT, "region": REGION},
}
# The part of SARIF 2.1.0 that archspec writes (docs.oasis-open.org/sarif/sarif/v2.1.0, sections 3.13 to 3.57).
SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "$schema": {"type": "string", "format": "uri"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "properties": {
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id", "shortDescription", "help"],
                                            "properties": {
                                                "id": {"pattern": "^[AWN][0-9]{3}$"},
                                                "shortDescription": TEXT,
                                                "help": TEXT,
                                            },
                                        },
                                    }
                                },
                            }
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["message", "ruleId", "ruleIndex", "level", "locations"],
                            "properties": {
                                "message": TEXT,
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "locations": {
                                    "type": "array",
                                    "items": {
                                        "required": ["physicalLocation"],
                                        "properties": {"physicalLocation": PHYSICAL},
                                    },
                                },
                                "relatedLocations": {
                                    "type": "array",
                                    "items": {
                                        "required": ["id", "message", "physicalLocation"],
                                        "properties": {"message": TEXT, "physicalLocation": PHYSICAL},
                                    },
                                },
                                "fixes": {
                                    "type": "array",
                                    "items": {
                                        "required": ["artifactChanges"],
                                        "properties": {
                                            "description": TEXT,
                                            "artifactChanges": {
                                                "type": "array",
                                                "minItems": 1,
                                                "items": {
                                                    "required": ["artifactLocation", "replacements"],
                                                    "properties": {
                                                        "artifactLocation": ARTIFACT,
                                                        "replacements": {
                                                            "type": "array",
                                                            "minItems": 1,
                                                            "items": {
                                                                "required": ["deletedRegion"],
                                                                "properties": {
                                                                    "deletedRegion": REGION,
                                                                    "insertedContent": {"required": ["text"]},
                                                                },
                                                            },
                                                        },
                                                    },
                                                },
                                            },
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}  # fmt: skip


def test_sarif() -> None:
    document = json.loads(to_sarif([checked(CONTEXT), checked("INPUT(3x8x8) → CONV(4)")]))
    jsonschema.validate(document, SARIF, cls=jsonschema.Draft202012Validator)
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == sorted({result["ruleId"] for result in run["results"]})
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    assert {"A307", "A501", "W301", "A002"} <= {*rules}
    assert sum("fixes" in result for result in run["results"]) >= 1
    assert any("relatedLocations" in result for result in run["results"])


def test_annotations_are_escaped() -> None:
    lines = to_annotations([checked(CONTEXT)]).splitlines()
    assert lines[0].startswith("::error file=net.arch,line=3,col=12,endLine=3,endColumn=15,title=A307::res needs")
    assert any(line.startswith("::warning file=net.arch,line=8,") and "title=W301" in line for line in lines)
    failed = next(line for line in lines if "A501" in line)
    assert "50%25, no more%0A" in failed and "\n" not in failed
    odd = Checked(Source("a:b,c.arch", "x"), (), (), (Diagnostic("A117", "holds no network"),))
    assert to_annotations([odd]) == "::error file=a%3Ab%2Cc.arch,title=A117::holds no network"


def test_files_are_named_from_the_repositorys_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "net.arch").write_text("INPUT ->")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    monkeypatch.chdir(tmp_path / "specs")
    assert to_annotations([checked("INPUT ->")]).startswith("::error file=specs/net.arch,line=1,")


# ---------------------------------------------------------------- the command

GOOD = "INPUT(3x8x8) -> CONV(4) -> FC(2)\n"


def test_exit_codes(archspec: Run, tmp_path: Path) -> None:
    texts = {
        "good": GOOD,
        "invalid": "INPUT(3x8x8) -> COV(4)\n",
        "failed": GOOD + "assert params < 10\n",
        "warned": "net A {\n  input 3x8x8\n  INPUT -> FC(2) as a\n  INPUT -> FC(3)\n  output a\n}\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.arch").write_text(text)
    done = archspec("check", "good.arch")
    assert (done.returncode, done.stdout, done.stderr) == (0, "good.arch: nothing wrong\n", "")
    assert archspec("check", "failed.arch").returncode == 1
    assert archspec("check", "warned.arch").returncode == 0
    assert archspec("check", "warned.arch", "--strict").returncode == 1
    done = archspec("check", *(f"{name}.arch" for name in texts))
    assert done.returncode == 3
    assert done.stdout.index("warning[W301]") < done.stdout.index("error[A101]")
    assert done.stdout.splitlines()[-1] == "4 specs: 2 errors, 1 warning, 1 note"
    assert archspec("check", "missing.arch").returncode == 2
    assert archspec("check").returncode == 2
    assert archspec("check", "-e", "INPUT -> CONV(4", "--format", "json").returncode == 3
    assert archspec("check", "resnet50").stdout == "specs/resnet.arch: nothing wrong\n"
    assert archspec("check", "-", input=GOOD).returncode == 0


def test_annotations_appear_by_themselves_on_github(archspec: Run) -> None:
    wrong = ("check", "-e", "INPUT(3x8x8) -> COV(4)")
    told = archspec(*wrong, env={"GITHUB_ACTIONS": "true"}).stdout
    assert "error[A101]" in told and "::error file=-e,line=1,col=17," in told
    assert "::error" not in archspec(*wrong, env={"GITHUB_ACTIONS": ""}).stdout
    assert archspec(*wrong, "--format", "github", env={"GITHUB_ACTIONS": "true"}).stdout.count("::error") == 1
    assert archspec("check", "-e", GOOD, "--format", "github").stdout == ""


# ---------------------------------------------------------------- fixes


def fixed(text: str) -> str:
    return fix(checked(text), check).checked.source.text


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("INPUT(3x8x8) -> COVN(4)\n", "INPUT(3x8x8) -> CONV(4)\n"),
        ("INPUT(3x8x8) => CONV(4, kernel: 3x3) RELU\n", "INPUT(3x8x8) -> CONV(4, kernel=3x3) -> RELU\n"),
        ("INPUT(3x8x8) → CONV(4); \nlet w == 3\n", "INPUT(3x8x8) -> CONV(4) \nlet w = 3\n"),
        ("INPUT(3×8×8) -> [CONV(4)]*n-1\nlet n = 3\n", "INPUT(3x8x8) -> [CONV(4)]*(n-1)\nlet n = 3\n"),
        ("INPUT(4x8x8) -> add[CONV(4, 3)]\n", "INPUT(4x8x8) -> res[CONV(4, 3x3)]\n"),
        ("INPUT(3x8x8) -> COVN(4, strid=2) -> RELUU\n", "INPUT(3x8x8) -> CONV(4, stride=2) -> RELU\n"),
        ("INPUT(3x8x8) -> [CONV(i)]*(i in [1..3])\n", "INPUT(3x8x8) -> [CONV(i)]*(i in 1..3)\n"),
        (GOOD, GOOD),
    ],
)
def test_fixes(wrong: str, right: str) -> None:
    assert fixed(wrong) == right
    assert not checked(right).count("error")


@pytest.mark.parametrize("page", [p for p in pages().values() if p.kind == "spec"], ids=lambda p: p.code)
def test_no_fix_leaves_its_own_mistake(page: Page) -> None:
    if page.files or page.limits or page.bind:
        return
    before = checked(page.wrong)
    after, applied = fix(before, check)
    for finding in applied:
        assert finding.code not in {f.code for f in after.findings}, finding
    if not applied:
        assert after == before


WRONG = sorted((ROOT / "tests" / "errors").glob("A[012]*.arch"))


def test_most_wrong_programs_that_have_a_fix_are_mended_by_it() -> None:
    mended, fixable = 0, 0
    for path in WRONG:
        before = check(Source(path.name, path.read_text(), str(path.parent)))
        after, applied = fix(before, check)
        assert all(f.fix is not None and f.fix.span.source.name == path.name for f in applied)
        fixable += any(f.fix for f in before.findings)
        mended += bool(applied) and after.is_valid
    assert fixable > 80 and mended > 0.85 * fixable


def test_an_edit_that_makes_it_worse_is_not_kept() -> None:
    source = Source("net.arch", "INPUT(3x8x8) -> CONV(4) -> FC(2)")
    for edit in ("COVN", "CONV(4) ->", "CONV"):
        wish = Diagnostic("A101", "a wish", Span(source, 16, 20), fix=Fix(Span(source, 16, 20), edit))
        before = Checked(source, (), (), (wish,))

        def grumbling(text: Source, wish: Diagnostic = wish) -> Checked:
            found = check(text)
            return found.but(findings=(*found.findings, wish) if found.is_valid else found.findings)

        assert fix(before, grumbling) == (before, ())


def test_edits_of_other_files_are_left_to_them() -> None:
    other = Source("lib.arch", "block B = COVN(4)")
    wish = Diagnostic("A101", "elsewhere", Span(other, 10, 14), fix=Fix(Span(other, 10, 14), "CONV"))
    before = Checked(Source("net.arch", GOOD), (), (), (wish,))
    assert fix(before, check) == (before, ())


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([p for p in SPECS if p.stat().st_size < 1500]), st.integers(0, 2**32))
def test_whatever_is_wrong_fixing_ends_and_never_breaks_more(path: Path, seed: int) -> None:
    choose = random.Random(seed)
    text = path.read_text()
    for _ in range(choose.randrange(1, 4)):
        at = choose.randrange(len(text))
        text = text[:at] + choose.choice(["", ",", "(", "x", "=", " ", "→"]) + text[at + choose.randrange(3) :]
    before = check(Source(path.name, text, str(path.parent)))
    after, applied = fix(before, check)
    assert (after == before) == (not applied)
    if before.is_valid:
        assert after.is_valid


def test_the_command_writes_what_helps_and_says_it(archspec: Run, tmp_path: Path) -> None:
    path = tmp_path / "net.arch"
    path.write_text("INPUT(3x8x8) => COVN(4)\n  -> POOL(9x9)\n")
    done = archspec("check", "net.arch", "--fix")
    assert done.returncode == 3 and "error[A310]" in done.stdout  # no edit can mend that
    assert done.stderr == "fixed net.arch:1:14 A016: '=>' -> '->'\nfixed net.arch:1:17 A101: 'COVN' -> 'CONV'\n"
    assert path.read_text() == "INPUT(3x8x8) -> CONV(4)\n  -> POOL(9x9)\n"
    assert [p.name for p in tmp_path.iterdir()] == ["net.arch"]
    stamp = path.stat().st_mtime_ns
    assert archspec("check", "net.arch", "--fix").stderr == "" and path.stat().st_mtime_ns == stamp
    assert archspec("check", "-", "--fix", input=GOOD).returncode == 2
    assert archspec("check", "resnet50", "--fix").returncode == 2


def test_names_are_checked_in_what_no_net_uses() -> None:
    """A library, a block that nobody stamps, a net in want of arguments, what stands behind an open size."""
    library = "block U(c) = COV(c) -> CONV(8, strid=3) -> Foo(undefinedname)"
    assert [f.code for f in checked(library).findings] == ["A101", "A201", "A101", "A102"]
    whole = "block U(c) = CONV(c) -> [RELU]*(w in [a, 2])\nINPUT(3x8x8) -> FC(2)"
    assert [f.code for f in checked(whole).findings if f.severity == "error"] == ["A102"]
    waiting = "net A(n) {\n  input 3x8x8\n  INPUT -> [CONVV(8)]*n\n}"
    assert [f.code for f in checked(waiting).findings] == ["A101"]
    behind = "input l: (1, 32, T)\nl -> GAP -> COV(3)"
    assert [f.code for f in checked(behind).findings] == ["A404", "A101"]


def test_the_nets_of_a_file_share_its_limits() -> None:
    nets = "\n".join(f"net N{i} {{\n  input 3x8x8\n  INPUT -> [RELU]*400\n}}" for i in range(20))
    assert not checked(nets).findings
    assert [f.code for f in check(Source("x.arch", nets), limits=Limits(steps=5_000)).findings] == ["A605"]


def test_the_same_slip_twice_in_a_flow_is_mended_twice() -> None:
    text = "INPUT(3x8x8) -> CONV(8, 3x3, 1, 1) -> CONV(8, 3x3, 1, 1)"
    fixed = fix(checked(text), check)
    assert fixed.checked.source.text == text.replace("1, 1)", "1, pad=1)") and len(fixed.applied) == 2


def test_a_file_of_deep_sums_is_looked_at_for_slips() -> None:
    assert checked(f"INPUT(3x8x8) -> [RELU]*(s in [1, 2]) -> FC({'+'.join(['1'] * 3_000)} then 1)").findings
