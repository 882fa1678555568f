"""Output files appear whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from archspec.files import whole, write
from archspec.source import SpecError


def refusal(error: pytest.ExceptionInfo[SpecError]) -> str:
    (diagnostic,) = error.value.diagnostics
    assert diagnostic.help
    return f"{diagnostic.code} {diagnostic.message}"


def test_text_is_utf8_with_plain_line_ends_and_bytes_stay(tmp_path: Path) -> None:
    write(tmp_path / "a.py", "a = '×'\nb\n")
    assert (tmp_path / "a.py").read_bytes() == "a = '×'\nb\n".encode()
    write(tmp_path / "b.bin", b"\r\n\x00")
    assert (tmp_path / "b.bin").read_bytes() == b"\r\n\x00"
    assert sorted(os.listdir(tmp_path)) == ["a.py", "b.bin"]


def test_a_new_file_has_the_mode_an_ordinary_one_gets_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write(tmp_path / "new", "x")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "plain").stat().st_mode
    (tmp_path / "new").chmod(0o640)
    write(tmp_path / "new", "y")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


@pytest.mark.parametrize("failure", [ValueError("a bug"), KeyboardInterrupt()])
def test_a_failure_leaves_everything_as_it_was(tmp_path: Path, failure: BaseException) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("before")
    with pytest.raises(type(failure)), whole(old, new) as (draft_old, draft_new):
        draft_old.write_text("half")
        draft_new.write_text("half")
        raise failure
    assert old.read_text() == "before"
    assert os.listdir(tmp_path) == ["old"]


def test_the_old_content_is_there_until_the_end(tmp_path: Path) -> None:
    target = tmp_path / "net.onnx"
    target.write_text("before")
    with whole(target) as (draft,):
        draft.write_text("after")
        assert target.read_text() == "before"
        assert draft.parent == tmp_path
    assert target.read_text() == "after"


@pytest.mark.parametrize("failing", [1, 2, 3, 4])
def test_two_files_change_together_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
    """Each of the four moves (old aside, new in, twice) fails once."""
    paths = [tmp_path / "net.onnx.data", tmp_path / "net.onnx"]
    for path in paths:
        path.write_text("before")
    calls, replace = [0], os.replace

    def sometimes(source: Path, target: Path) -> None:
        calls[0] += 1
        if calls[0] == failing:
            raise OSError(5, "Input/output error")
        replace(source, target)

    monkeypatch.setattr(os, "replace", sometimes)
    with pytest.raises(SpecError) as error, whole(*paths) as drafts:
        for draft in drafts:
            draft.write_text("after")
    assert "input/output error" in refusal(error)
    assert [path.read_text() for path in paths] == ["before", "before"]
    assert sorted(os.listdir(tmp_path)) == ["net.onnx", "net.onnx.data"]


def test_one_file_survives_a_move_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "net.py"
    target.write_text("before")

    def never(source: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied", str(source), None, str(target))

    monkeypatch.setattr(os, "replace", never)
    with pytest.raises(SpecError, match="permission denied"):
        write(target, "after")
    assert target.read_text() == "before"
    assert os.listdir(tmp_path) == ["net.py"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    real = tmp_path / "deep" / "net.py"
    real.parent.mkdir()
    real.write_text("before")
    (tmp_path / "link.py").symlink_to(real)
    write(tmp_path / "link.py", "after")
    assert (tmp_path / "link.py").is_symlink()
    assert real.read_text() == "after"


def test_the_spec_itself_is_never_written(tmp_path: Path) -> None:
    spec = tmp_path / "net.arch"
    spec.write_text("INPUT -> FC")
    (tmp_path / "other.arch").symlink_to(spec)
    for path in (spec, tmp_path / "." / "net.arch", tmp_path / "other.arch"):
        with pytest.raises(SpecError) as error:
            write(path, "oops", spare=[spec])
        assert refusal(error).startswith("A714") and "spec itself" in refusal(error)
    assert spec.read_text() == "INPUT -> FC"


def test_places_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as error:
        write(tmp_path, "x")
    assert refusal(error) == f"A711 {tmp_path} is a directory"
    with pytest.raises(SpecError) as error:
        write(tmp_path / "no" / "net.py", "x")
    assert refusal(error) == f"A712 cannot write {tmp_path}/no/net.py: there is no directory {tmp_path}/no"
    with pytest.raises(SpecError) as error:
        write(tmp_path / ("n" * 300), "x")
    assert "file name too long" in refusal(error)
    assert os.listdir(tmp_path) == []


def test_a_read_only_target_or_directory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "net.py"
    target.write_text("before")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # the superuser may write anything
    with pytest.raises(SpecError) as error:
        write(target, "after")
    assert refusal(error) == f"A713 cannot write {target}: it is read-only"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_a_sentence() -> None:
    with pytest.raises(SpecError) as error:
        write("/dev/full", "x")
    assert "no space left on device" in refusal(error)


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="needs /dev/null")
def test_a_device_is_written_and_stays_a_device() -> None:
    write("/dev/null", "x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
