"""The command line as a user meets it: a process of its own, its streams, its exit code, what it leaves on disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT, Run

BLUEPRINT = [
    "blueprint", "-D", "N=2,2,3,3,3", "-D", "M=5", "-D", "K=2", "--with", "POOL", "-D", "INPUT=3x224x224",
    "-D", "CONV=64,128,256,512,512", "-D", "FC.1=4096", "-D", "FC.2=1000",
]  # fmt: skip
SMALL = "INPUT(3x8x8) -> CONV(4) -> RELU -> FC(2)"


def totals(archspec: Run, *arguments: str) -> dict[str, int]:
    done = archspec("analyze", *arguments, "--format", "json")
    assert done.returncode == 0 and "error" not in done.stderr, done.stderr
    document = json.loads(done.stdout)
    counted: dict[str, int] = document["totals"]
    assert counted["params"] == sum(layer["params"] for layer in document["layers"])
    return counted


# ---------------------------------------------------------------- the main job


@pytest.mark.parametrize(
    ("arguments", "params", "macs"),
    [  # the papers' and torchvision's counts
        (BLUEPRINT, 138_357_544, 15_470_264_320),
        (["vgg16"], 138_357_544, 15_470_264_320),
        (["vgg_table"], 138_357_544, 15_470_264_320),
        (["vgg19"], 143_667_240, 19_632_062_464),
        (["alexnet"], 60_965_224, 724_406_816),
        (["googlenet", "--output", "logits"], 6_998_552, 1_582_671_872),
        (["resnet50"], 25_557_032, 4_089_184_256),
        (["mobilenet-v2"], 3_504_872, 300_774_272),
        (["DenseNet121"], 7_978_856, 2_834_161_664),
        (["cs109b"], 2_103_156, 3_139_584),
        (["mlp"], 73_015, 72_700),
        (["lenet5"], 61_706, 416_520),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_published_counts(archspec: Run, arguments: list[str], params: int, macs: int) -> None:
    counted = totals(archspec, *arguments)
    assert (counted["params"], counted["macs"]) == (params, macs)


def test_compile_writes_each_target_from_its_ending(archspec: Run, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    files = ["net.py", "net.onnx", "net.dot", "net.svg", "net.png", "net.pdf", "net.json"]
    done = archspec("compile", "lenet5", *(part for file in files for part in ("-o", file)), "--weights")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {*os.listdir(tmp_path)} == {*files, "net.safetensors"}
    assert "class LeNet5(nn.Module)" in (tmp_path / "net.py").read_text()
    assert (tmp_path / "net.svg").read_bytes().lstrip().startswith((b"<?xml", b"<svg"))
    assert (tmp_path / "net.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "net.pdf").read_bytes().startswith(b"%PDF")
    assert json.loads((tmp_path / "net.json").read_text())["totals"]["params"] == 61_706
    model = onnx.load(tmp_path / "net.onnx")
    assert model.opset_import[0].version == 20
    assert sum(len(tensor.raw_data) // 4 for tensor in model.graph.initializer) == 61_706


def test_seed_and_opset_reach_the_model(archspec: Run, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    for name, options in {"a": [], "b": ["--seed", "1"], "c": ["--opset", "21"], "d": []}.items():
        assert archspec("compile", "-e", SMALL, "-o", f"{name}.onnx", *options).returncode == 0
    a, b, c, d = ((tmp_path / f"{name}.onnx").read_bytes() for name in "abcd")
    assert a == d != b
    assert onnx.load_from_string(c).opset_import[0].version == 21


def test_verify_holds_the_asserts_too(archspec: Run) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("onnxruntime")
    done = archspec("verify", "-e", SMALL + "\nassert params == 3")
    assert done.returncode == 1 and "agree" in done.stdout and "error[A501]" in done.stderr


def test_verify_names_every_library_that_is_missing(archspec: Run, tmp_path: Path) -> None:
    (tmp_path / "hide").mkdir()
    for name in ("torch", "onnxruntime"):
        text = f"raise ModuleNotFoundError(\"No module named '{name}'\", name='{name}')"
        (tmp_path / "hide" / f"{name}.py").write_text(text)
    pytest.importorskip("onnx")
    done = archspec("verify", "lenet5", env={"PYTHONPATH": str(tmp_path / "hide")})
    assert done.returncode == 4
    assert "needs torch and onnxruntime: pip install 'archspec-nn[runtime,torch]'" in done.stderr


def test_a_second_file_of_weights_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    onnx_model = pytest.importorskip("archspec.emit.onnx_model")
    from archspec.__main__ import main

    file = tmp_path / "net.onnx"
    assert main(["compile", "-e", SMALL, "-o", str(file)]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(onnx_model, "ONE_FILE", 100)
    assert main(["compile", "-e", SMALL, "-o", str(file)]) == 0
    assert f"{file}.data holds the weights of {file}" in capsys.readouterr().err
    assert (tmp_path / "net.onnx.data").stat().st_size >= 4 * 626


def test_verify_says_how_close_they_are(archspec: Run) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("onnxruntime")
    done = archspec("verify", "lenet5", "--seed", "1", "--seed", "7")
    assert done.returncode == 0, done.stderr
    assert "61,706" in done.stdout


# ---------------------------------------------------------------- what SPEC may be


def test_standard_input_and_text_and_file_say_the_same(archspec: Run, tmp_path: Path) -> None:
    (tmp_path / "net.arch").write_text(SMALL)
    plain = archspec("analyze", "net.arch").stdout
    assert plain == archspec("analyze", "-", input=SMALL).stdout == archspec("analyze", "-e", SMALL).stdout
    assert "parameters" in plain and "626" in plain  # 4*27 + 4 + 2*256 + 2


def test_standard_input_is_read_once_where_a_net_is_left_out(archspec: Run) -> None:
    assert archspec("explain", "-", "conv1", input=SMALL).stdout == archspec("explain", "-e", SMALL, "conv1").stdout


READ_A_SPEC = (
    "analyze", "compile", "memory", "work", "reconcile", "verify", "check", "explain", "check-answers", "match",
    "compare",
)  # fmt: skip


@pytest.mark.parametrize("name", READ_A_SPEC)
def test_every_command_that_opens_a_spec_takes_the_same_options(name: str) -> None:
    import click

    from archspec.__main__ import command_line

    command = command_line.get_command(click.Context(command_line), name)
    assert command is not None
    options = {option for parameter in command.params for option in parameter.opts}
    assert options >= {"-e", "-D", "--with", "--without", "--output", "--limit", "--fc-to-conv", "--input"}


BOUND = [
    "-D", "N=2,2", "-D", "M=2", "-D", "K=0", "--with", "POOL", "-D", "INPUT=3x32x32", "-D", "CONV=32,64",
    "-D", "FC.2=10",
]  # fmt: skip


def test_what_is_bound_reaches_every_spec_that_has_the_name(archspec: Run) -> None:
    alone = totals(archspec, "blueprint", *BOUND)
    done = archspec("compare", "blueprint", "vgg16", "lenet5", *BOUND[:8], *BOUND[10:], "--table", "totals", input="")
    assert done.returncode == 3 and "INPUT is open" in done.stderr
    done = archspec("compare", "blueprint", "vgg16", *BOUND, "--table", "totals", "--format", "json")
    rows = {row["cells"][0]: row["cells"][1:] for row in json.loads(done.stdout)["rows"]}
    assert rows["input"] == ["3x32x32", "3x32x32"]  # which every network has
    assert rows["parameters"] == [f"{alone['params']:,}", f"{totals(archspec, 'vgg16', *BOUND[8:10])['params']:,}"]
    done = archspec("compare", "-", "lenet5", "-D", "n=7", "--table", "totals", input="INPUT(4) -> [FC(3)]*n")
    assert done.returncode == 0 and "weight layers  7" in done.stdout


def test_check_opens_what_the_options_say(archspec: Run) -> None:
    assert "open" in archspec("check", "blueprint").stdout
    done = archspec("check", "blueprint", *BOUND)
    assert (done.returncode, done.stdout) == (0, "specs/blueprint.arch: nothing wrong\n")
    done = archspec("check", "-e", SMALL + "\nparam n = 3\nassert n == 3", "-D", "n=4")
    assert done.returncode == 1 and "A501" in done.stdout
    assert archspec("check", "vgg:VGG16", "lenet5").stdout == "2 specs: nothing wrong in 2 nets\n"


def test_a_file_comes_before_a_zoo_name(archspec: Run, tmp_path: Path) -> None:
    (tmp_path / "mlp").write_text(SMALL)
    assert totals(archspec, "mlp")["params"] == 626


def test_net_is_needed_where_there_are_several(archspec: Run) -> None:
    done = archspec("analyze", "vgg")
    assert done.returncode == 2 and done.stdout == ""
    assert all(name in done.stderr for name in ("VGG11", "VGG13", "VGG16", "VGG19"))
    assert totals(archspec, "vgg", "VGG16", "-D", "classes=10")["params"] == 138_357_544 - 4097 * 990


def test_byte_order_marks_and_dos_line_ends_are_read(archspec: Run, tmp_path: Path) -> None:
    (tmp_path / "net.arch").write_bytes(
        b"\xef\xbb\xbf" + b"archspec 1\r\nINPUT(3x8x8)\r\n  -> CONV(4) -> RELU\r\n  -> FC(2)\r\n"
    )
    assert totals(archspec, "net.arch")["params"] == 626


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "there is no file net.arch"),
        (lambda path: path.mkdir(), "is a directory"),
        (lambda path: path.symlink_to("gone"), "cannot read net.arch"),
    ],
)
def test_a_file_that_cannot_be_read(archspec: Run, tmp_path: Path, make: object, says: str) -> None:
    make(tmp_path / "net.arch")  # type: ignore[operator]
    done = archspec("analyze", "net.arch")
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr


def test_a_name_that_is_empty_is_quoted() -> None:
    import archspec as api

    with pytest.raises(api.SpecError, match="there is no file '', and"):
        api.load("")


def test_text_of_another_encoding_is_shown_where_it_breaks(archspec: Run, tmp_path: Path) -> None:
    (tmp_path / "net.arch").write_bytes("INPUT(3x8x8)\n  -> FC(2)  # größer".encode("latin-1"))
    done = archspec("analyze", "net.arch")
    assert done.returncode == 3
    assert "net.arch:2:17" in done.stderr and "0xf6" in done.stderr


@pytest.mark.parametrize(
    "text", [b"", b"\x00\x01\x02", b"\x7fELF" + bytes(range(128)), b"(" * 100_000, b"-> " * 200_000]
)
def test_no_text_ends_in_a_traceback(archspec: Run, text: bytes) -> None:
    done = archspec("analyze", "-", input=text)
    assert done.returncode == 3
    assert b"error[A" in done.stderr.encode() if isinstance(done.stderr, str) else b"error[A" in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs an endless file")
def test_an_endless_file_is_refused(archspec: Run) -> None:
    done = archspec("analyze", "/dev/zero")
    assert done.returncode != 0 and "more than" in done.stderr


# ---------------------------------------------------------------- exit codes and streams


def test_a_failed_assert_is_told_after_the_table(archspec: Run, tmp_path: Path) -> None:
    spec = SMALL + "\nassert params < 600, 'small'".replace("'", '"')
    done = archspec("analyze", "-e", spec)
    assert done.returncode == 1
    assert "626" in done.stdout and "error[A501]" in done.stderr and "small" in done.stderr
    refused = archspec("compile", "-e", spec, "-o", "net.py")
    assert refused.returncode == 1 and not (tmp_path / "net.py").exists()
    assert archspec("compile", "-e", spec, "-o", "net.py", "--no-assert").returncode == 0
    assert (tmp_path / "net.py").exists()


def test_a_wrong_spec_shows_what_was_built_up_to_the_fault(archspec: Run) -> None:
    spec = "INPUT(3x8x8) -> CONV(4) -> RELU -> POOL(9x9) -> FC(2)"
    done = archspec("analyze", "-e", spec)
    assert done.returncode == 3
    assert done.stdout == ""  # which carries a whole answer or none
    assert "net, up to the fault" in done.stderr
    assert "conv1" in done.stderr and "112" in done.stderr  # the convolution's parameters
    assert "-e:1:" in done.stderr and "^" in done.stderr and "help:" in done.stderr
    document = archspec("analyze", "-e", spec, "--format", "json")
    assert (document.returncode, document.stdout) == (3, "")


def test_asserts_speak_of_one_example_whatever_the_batch(archspec: Run) -> None:
    assert archspec("analyze", "lenet5", "--batch", "32").returncode == 0


def test_an_assert_that_makes_no_sense_leaves_the_old_file(archspec: Run, tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text("old")
    done = archspec("analyze", "-e", "INPUT(8) -> FC(2)\nassert foo.bar == 3", "-o", str(kept))
    assert (done.returncode, kept.read_text()) == (3, "old")


def test_a_failure_in_one_product_leaves_all_old_files(archspec: Run, tmp_path: Path) -> None:
    kept = tmp_path / "kept.py"
    kept.write_text("old")
    done = archspec("compile", "mlp", "-o", str(kept), "-o", str(tmp_path / "missing" / "x.json"))
    assert (done.returncode, kept.read_text()) == (2, "old")
    done = archspec("compile", "mlp", "-o", str(kept), "-o", str(tmp_path / "x.onnx"), "--opset", "3")
    assert (kept.read_text(), list(tmp_path.iterdir())) == ("old", [kept])
    assert done.returncode != 0


def test_an_imported_spec_is_never_overwritten(archspec: Run, tmp_path: Path) -> None:
    (tmp_path / "blocks.arch").write_text("block B = CONV(4)\n")
    (tmp_path / "main.arch").write_text('from "blocks.arch" import B\nINPUT(3x8x8) -> B\n')
    done = archspec("compile", str(tmp_path / "main.arch"), "--to", "torch", "-o", str(tmp_path / "blocks.arch"))
    assert done.returncode == 2
    assert (tmp_path / "blocks.arch").read_text() == "block B = CONV(4)\n"


def test_holes_include_knobs_and_arguments_of_nets(archspec: Run) -> None:
    text = "param q in [1, 2]\nnet A(n) {\n  input 3x8x8\n  INPUT -> FC(n + q)\n}"
    told = archspec("holes", "-e", text).stdout
    assert "-D q=..." in told and "an argument of A" in told


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["analyze"], "SPEC"),
        (["analyse", "mlp"], "Did you mean analyze?"),
        (["analyze", "mlp", "--bach", "2"], "--batch"),
        (["analyze", "mlp", "--batch", "0"], "x>=1"),
        (["analyze", "mlp", "-D", "N"], "NAME=VALUE"),
        (["analyze", "mlp", "-D", "N=1", "-D", "N=2"], "bound twice"),
        (["analyze", "blueprint", "--with", "POOL", "--without", "POOL"], "bound twice"),
        (["analyze", "mlp", "-D", "depth=2"], "depth"),
        (["analyze", "alexnet", "-D", "clases=2"], "classes"),
        (["analyze", "vgg", "VGG17"], "VGG1"),
        (["analyze", "googlenet", "--output", "logit"], "logits"),
        (["analyze", "mlp", "-o", "x.xml"], ".json"),
        (["compile", "mlp"], "-o OUT"),
        (["compile", "mlp", "-o", "net.pt"], ".onnx"),
        (["compile", "mlp", "-o", "-"], "--to"),
        (["compile", "mlp", "--to", "torch", "--weights"], "--weights"),
        (["compile", "mlp", "-o", "none/net.py"], "mkdir -p none"),
        (["compile", "mlp", "-o", "net.onnx", "--opset", "99"], "99"),
        (["analyze", "vgg61"], "did you mean"),
        (["analyze", "INPUT(3x8x8) -> FC(2)"], "-e"),
        (["analyze", "-e", SMALL, "a", "b"], "too many"),
        (["ops", "CONVV"], "Did you mean CONV?"),
        (["analyze", ""], "Missing argument SPEC"),
        (["compare"], "Missing argument SPEC"),
        (["check"], "Missing argument SPEC"),
        (["analyze", "mlp", "--output", ""], "name outputs"),
        (["analyze", "mlp", "--output", "a,,b"], "name outputs"),
        (["compile", "mlp", "-o", "net.py", "--opset", "3"], "--opset would change nothing"),
        (["compile", "mlp", "-o", "net.py", "--seed", "3"], "--seed would change nothing"),
        (["compile", "mlp", "-o", "net.onnx", "--depth", "3"], "--depth or --expand would change nothing"),
        (["compare", "blueprint", "vgg16", "-D", "Nn=2"], "named Nn"),
        (["analyze", "-e", "net Z(n, m) {\n input 3x8x8\n INPUT -> FC(n) -> FC(m)\n}", "Z"], "-D n=... -D m=..."),
        (["rewrite", "--fc-to-conv", "alexnet", "-o", "net.xyz"], "Usage: archspec rewrite"),
        (["memory", "mlp", "--fit", "24"], "write 24GB or 24GiB"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_says_what_to_type(archspec: Run, arguments: list[str], says: str) -> None:
    done = archspec(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr and "Traceback" not in done.stderr


def test_colour_is_for_terminals(archspec: Run) -> None:
    wrong = ("analyze", "-e", "INPUT(3x8x8) -> COV(4)")
    assert "\x1b[" not in archspec(*wrong).stderr
    assert "\x1b[31" in archspec(*wrong, env={"FORCE_COLOR": "1"}).stderr
    assert "\x1b[" not in archspec(*wrong, env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).stderr


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")
def test_a_terminal_gets_colours(tmp_path: Path) -> None:
    pytest.importorskip("rich")
    import pty

    own, other = pty.openpty()
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")} | {
        "TERM": "xterm",
        "COLUMNS": "120",
    }
    process = subprocess.Popen(
        [sys.executable, ROOT / "cli.py", "analyze", "mlp"], stdout=other, stderr=other, cwd=tmp_path, env=env
    )
    os.close(other)
    shown = b""
    try:
        while part := os.read(own, 65536):
            shown += part
    except OSError:  # what Linux says at the end
        pass
    os.close(own)
    assert process.wait() == 0
    assert b"\x1b[1" in shown and b"73,015" in shown


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} {ROOT / 'cli.py'} analyze resnet152 --expand | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.stderr == "" and done.stdout.splitlines()[0].startswith("ResNet152")
    assert done.stdout.splitlines()[1] in ("141", "0")  # 0 where the pipe took it all


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interrupt_ends_quietly(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "cli.py"), "analyze", "-"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path,
    )  # fmt: skip
    time.sleep(1.5)  # it waits for standard input
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130 and b"Traceback" not in said


def test_an_ascii_terminal_is_not_an_error(archspec: Run) -> None:
    done = archspec("analyze", "resnet18", env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0 and "11,689,512" in done.stdout


def test_a_fault_of_archspec_asks_for_a_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from archspec import __main__, model

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("inside")

    monkeypatch.setattr(model, "open_net", fail)
    assert __main__.main(["analyze", "mlp"]) == 70
    said = capsys.readouterr().err
    assert "inside" in said and "report" in said and "Traceback" not in said
    monkeypatch.setenv("ARCHSPEC_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        __main__.main(["analyze", "mlp"])


# ---------------------------------------------------------------- what is left on disk


def test_a_failure_leaves_the_old_file(archspec: Run, tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"old")
    assert archspec("compile", "-e", "INPUT(3x8x8) -> FC(2", "-o", "net.onnx").returncode == 3
    assert archspec("compile", "mlp", "-o", "net.onnx", "--opset", "99").returncode == 2
    assert (tmp_path / "net.onnx").read_bytes() == b"old" and os.listdir(tmp_path) == ["net.onnx"]


def test_the_spec_is_never_overwritten(archspec: Run, tmp_path: Path) -> None:
    (tmp_path / "net.json").write_text(SMALL)
    for command in ("analyze", "compile"):
        done = archspec(command, "net.json", "-o", "net.json")
        assert done.returncode == 2 and "is the spec itself" in done.stderr
    assert (tmp_path / "net.json").read_text() == SMALL


def test_compile_leaves_out_what_is_missing(archspec: Run, tmp_path: Path) -> None:
    """Without onnx: one sentence with the command to type, exit 4, no file."""
    (tmp_path / "hide").mkdir()
    (tmp_path / "hide" / "onnx.py").write_text("raise ModuleNotFoundError(\"No module named 'onnx'\", name='onnx')")
    env = {"PYTHONPATH": str(tmp_path / "hide")}
    done = archspec("compile", "mlp", "-o", "net.onnx", env=env)
    assert done.returncode == 4 and not (tmp_path / "net.onnx").exists()
    assert "pip install" in done.stderr and "archspec-nn[runtime]" in done.stderr and done.stderr.count("\n") == 1
    assert archspec("compile", "mlp", "-o", "net.py", env=env).returncode == 0


def test_the_other_distribution_of_this_name_is_pointed_out(archspec: Run, tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    (site / "archspec-0.2.5.dist-info").mkdir(parents=True)
    done = archspec("zoo", env={"PYTHONPATH": str(site)})
    assert done.returncode == 0 and "warning: " in done.stderr and "archspec-nn" in done.stderr


# ---------------------------------------------------------------- lists and pages


def test_zoo_lists_networks_that_all_work(archspec: Run) -> None:
    import archspec as api
    from archspec import zoo
    from archspec.model import open_holes

    listed = [line.split()[0] for line in archspec("zoo").stdout.splitlines()[1:] if line.startswith(" ")]
    assert listed == [entry.name for entry in zoo.entries()] and len({name.lower() for name in listed}) == len(listed)
    for name in listed:
        source, net = zoo.open_spec(name)
        if net is not None or not open_holes(source):  # the blueprint is all open
            model = api.load(name)
            assert model.failures() == (), name


def test_holes_say_how_to_bind_them(archspec: Run) -> None:
    lines = archspec("holes", "blueprint").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["INPUT", "CONV", "N", "POOL", "M", "FC.1", "K", "FC.2"]
    assert all("blueprint.arch:3:" in line and ("-D " in line or "--with" in line) for line in lines)


def test_a_text_without_a_network_has_no_holes(archspec: Run) -> None:
    done = archspec("holes", "-", input="")
    assert (done.returncode, done.stdout) == (3, "") and "error[A117]" in done.stderr
    assert archspec("holes", "-e", "block B = CONV(4)").returncode == 2
    assert archspec("holes", "vgg").stdout.startswith("depths")  # several nets are no fault here


def test_the_list_of_operators_ends_its_sentences(archspec: Run) -> None:
    listing = archspec("ops").stdout
    assert max(map(len, listing.splitlines())) <= 100
    for family in listing.rstrip().split("\n\n"):
        assert family.endswith("."), family
    said = " ".join(listing.split())
    assert "then divides by its deviation where that exceeds the map's mean deviation." in said  # LCN's, of three lines


def test_a_page_lists_what_the_operator_accepts(archspec: Run) -> None:
    import archspec as api
    from archspec.op import lookup, words

    pages = {name: archspec("ops", name).stdout for name in ("UPCONV", "CONV", "DEFCONV", "MAXPOOL")}
    for name, page in pages.items():
        card = lookup(name)
        assert card is not None
        (takes,) = (line for line in page.splitlines() if line.split()[:1] == ["pad"])
        for word in words(card, "pad"):
            text = f"INPUT(4x9x9) -> {name}({'' if name == 'MAXPOOL' else '8, '}kernel=3, pad={word})"
            try:
                accepted = bool(api.loads(text))
            except api.SpecError:
                accepted = False
            assert (word in takes.replace(",", " ").replace(";", " ").split()) == accepted, text
    assert "stride     as kernel  one for all axes" in pages["UPCONV"]
    assert "table      none      a list of lists of whole numbers from 0" in pages["CONV"]
    assert "one or more whole numbers" in archspec("ops", "PERMUTE").stdout
    assert not any("  -  " in page for page in pages.values())


def test_every_operator_has_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    from archspec import __main__, op

    assert __main__.main(["ops"]) == 0
    listing = capsys.readouterr().out
    for name in op.names():
        assert name in listing
        assert __main__.main(["ops", name]) == 0
        card, page = op.lookup(name), capsys.readouterr().out
        assert card is not None and page.startswith(card.name)
        if card.arity != (0, 0):
            assert "For example" in page, f"no example of {name}: extend _SHAPES or _VALUES in commands/ops.py"
        assert all(argument in page for argument in card.model_fields)


def test_help_has_an_example_and_loads_nothing_heavy(archspec: Run) -> None:
    for command in ("analyze", "compile", "verify", "holes", "ops", "zoo"):
        done = archspec(command, "-h")
        assert (
            done.returncode == 0 and f"  archspec {command}" in done.stdout or "archspec analyze vgg16" in done.stdout
        )


def test_analyze_imports_no_framework(archspec: Run) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from archspec.__main__ import main;"
        "assert main(['analyze', 'resnet50']) == 0;"
        "heavy = {'torch', 'onnx', 'onnxruntime', 'numpy', 'rich', 'graphviz'};"
        "print(sorted(heavy & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(ROOT)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
