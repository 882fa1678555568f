"""Weights in files: safetensors and .npz that other tools read, and nothing that could run code."""

from __future__ import annotations

import io
import json
import pickle
import struct
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from nets import Net

from archspec.emit.weight_files import fit_weights, load_weights, save_weights
from archspec.graph import Graph
from archspec.source import SpecError
from archspec.weights import Draws, draw


@pytest.fixture
def graph() -> Graph:
    net = Net("Small")
    net("x", "INPUT", shape=(3, 8, 8))
    net("conv1", "CONV", "x", channels=4)
    net("bn1", "BN", "conv1")
    net("fc1", "FC", "bn1", width=5)
    return net.graph()


def message(error: pytest.ExceptionInfo[SpecError]) -> str:
    (diagnostic,) = error.value.diagnostics
    assert diagnostic.help
    return " | ".join((diagnostic.message, *diagnostic.notes))


@pytest.mark.parametrize("ending", [".npz", ".safetensors"])
def test_what_is_saved_is_loaded(graph: Graph, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"net{ending}"
    save_weights(graph, Draws(graph, 5, statistics=True), path)
    found = load_weights(path)
    wanted = draw(graph, 5, statistics=True)
    assert [*found] == [*wanted]
    for key, array in wanted.items():
        np.testing.assert_array_equal(found[key], array)
        assert found[key].dtype == np.float32
    first = path.read_bytes()
    save_weights(graph, wanted, path)
    assert path.read_bytes() == first


def test_numpy_reads_our_npz(graph: Graph, tmp_path: Path) -> None:
    save_weights(graph, draw(graph, 1), tmp_path / "net.npz")
    with np.load(tmp_path / "net.npz", allow_pickle=False) as archive:
        np.testing.assert_array_equal(archive["conv1.weight"], draw(graph, 1)["conv1.weight"])


def test_we_read_numpys_npz_compressed_or_not(graph: Graph, tmp_path: Path) -> None:
    wanted = draw(graph, 1)
    np.savez(tmp_path / "a.npz", **wanted)
    np.savez_compressed(tmp_path / "b.npz", **wanted)
    for name in ("a.npz", "b.npz"):
        np.testing.assert_array_equal(load_weights(tmp_path / name)["fc1.bias"], wanted["fc1.bias"])


def test_safetensors_by_its_own_specification(graph: Graph, tmp_path: Path) -> None:
    """8 bytes of length, a JSON header, arrays end to end, as the format's README says."""
    save_weights(graph, draw(graph, 1), tmp_path / "net.safetensors")
    data = (tmp_path / "net.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    assert length % 8 == 0 and header.pop("__metadata__") == {"format": "pt"}
    assert [*header] == ["conv1.weight", "conv1.bias", *(f"bn1.{n}" for n in BN), "fc1.weight", "fc1.bias"]
    end = 0
    for key, entry in header.items():
        assert entry["dtype"] == "F32" and entry["data_offsets"][0] == end
        end = entry["data_offsets"][1]
        array = np.frombuffer(data[8 + length :][entry["data_offsets"][0] : end], "<f4").reshape(entry["shape"])
        np.testing.assert_array_equal(array, draw(graph, 1)[key])
    assert len(data) == 8 + length + end


BN = ("weight", "bias", "running_mean", "running_var")


def safetensors(header: Any, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


@pytest.mark.parametrize("dtype, kind", [("F16", "<f2"), ("F64", "<f8"), ("I32", "<i4"), ("U8", "u1")])
def test_other_types_are_read(tmp_path: Path, dtype: str, kind: str) -> None:
    array = np.arange(6).reshape(2, 3).astype(kind)
    entry = {"dtype": dtype, "shape": [2, 3], "data_offsets": [0, array.nbytes]}
    (tmp_path / "a").write_bytes(safetensors({"w": entry}, array.tobytes()))
    np.testing.assert_array_equal(load_weights(tmp_path / "a")["w"], array)


def test_bfloat16_is_read_as_torch_has_it(tmp_path: Path) -> None:
    values = torch.tensor([1.0, -2.5, 3.1415926, 1e-30, float("inf")], dtype=torch.bfloat16)
    entry = {"dtype": "BF16", "shape": [5], "data_offsets": [0, 10]}
    (tmp_path / "a").write_bytes(safetensors({"w": entry}, values.view(torch.int16).numpy().tobytes()))
    np.testing.assert_array_equal(load_weights(tmp_path / "a")["w"], values.float().numpy())


class Bomb:
    def __reduce__(self) -> Any:
        return (exec, ("raise SystemExit('unpickled')",))


def pickled(kind: str, path: Path) -> None:
    if kind == "torch.save":
        torch.save({"w": torch.zeros(2)}, path)
    elif kind == "old torch.save":
        torch.save({"w": torch.zeros(2)}, path, _use_new_zipfile_serialization=False)
    elif kind == "pickle":
        path.write_bytes(pickle.dumps(Bomb()))
    else:
        member = io.BytesIO()
        np.lib.format.write_array(member, np.array([Bomb()], object), allow_pickle=True)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("w.npy", member.getvalue())


@pytest.mark.parametrize("kind", ["torch.save", "old torch.save", "pickle", "npz of objects"])
def test_pickles_are_refused_and_never_run(tmp_path: Path, kind: str) -> None:
    pickled(kind, tmp_path / "net.npz")
    with pytest.raises(SpecError) as error:
        load_weights(tmp_path / "net.npz")
    assert "pickle" in message(error) and "save_file" in error.value.diagnostics[0].help


ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        b"INPUT -> FC\n" * 9,
        struct.pack("<Q", 2**63) + b"{}",
        safetensors(b"{"),
        safetensors(b"[1]"),
        safetensors(b"[" * 100_000),
        safetensors({"w": ENTRY}, b"1234567"),
        safetensors({"w": ENTRY | {"shape": [3]}}, b"12345678"),
        safetensors({"w": ENTRY | {"shape": [-2]}}, b"12345678"),
        safetensors({"w": ENTRY | {"shape": ["2"], "data_offsets": [0]}}, b"12345678"),
        safetensors({"w": ENTRY | {"data_offsets": [-8, 0]}}, b"12345678"),
        safetensors({"w": ENTRY | {"dtype": "F8_E4M3"}}, b"12345678"),
        safetensors({"w": 7}),
        b"PK\x03\x04 no archive",
        b"PK\x05\x06",
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "net.bin").write_bytes(content)
    with pytest.raises(SpecError) as error:
        load_weights(tmp_path / "net.bin")
    assert error.value.diagnostics[0].code == "A721" and "net.bin is " in message(error)


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    for name, content in (("a.npy", b"no array"), ("b.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order'")):
        with zipfile.ZipFile(tmp_path / "net.npz", "w") as archive:
            archive.writestr(name, content)
        with pytest.raises(SpecError, match="is no .npz of arrays"):
            load_weights(tmp_path / "net.npz")


def test_a_missing_file_and_a_directory_are_sentences(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "no.npz", "no such file"), (tmp_path, "is a directory")):
        with pytest.raises(SpecError) as error:
            load_weights(path)
        assert message(error).startswith(f"cannot read {path}: {reason}")


@pytest.mark.parametrize("name", ["net", "net.pt", "net.onnx"])
def test_unknown_endings_are_refused(graph: Graph, tmp_path: Path, name: str) -> None:
    with pytest.raises(SpecError) as error:
        save_weights(graph, draw(graph, 0), tmp_path / name)
    assert error.value.diagnostics[0].help == "use .safetensors or .npz"


def test_given_weights_fit_or_everything_wrong_is_listed(graph: Graph) -> None:
    given: dict[str, Any] = {key: array.astype(np.float64) for key, array in draw(graph, 2).items()}
    given["bn1.num_batches_tracked"] = np.array(7)
    fitted = fit_weights(graph, given)
    assert [*fitted] == [*draw(graph, 2)] and {array.dtype for array in fitted.values()} == {np.dtype(np.float32)}

    with pytest.raises(SpecError) as error:
        fit_weights(
            graph, {key: array for key, array in given.items() if "bn1" not in key} | {"head.weight": 1, "a": 2}
        )
    assert error.value.diagnostics[0].code == "A722"
    assert message(error) == (
        "the weights are not Small's | missing: bn1.weight (4), bn1.bias (4), bn1.running_mean (4), bn1.running_var (4)"
        " | left over: head.weight, a"
    )
    with pytest.raises(SpecError) as error:
        fit_weights(graph, given | {"conv1.weight": np.zeros((4, 3, 5, 5)), "fc1.bias": np.array(1.0)})
    assert message(error) == (
        "the weights are not Small's | other arrays: "
        "conv1.weight is 4x3x5x5, not 4x3x3x3, fc1.bias is a single number, not 5"
    )
    with pytest.raises(SpecError, match="conv1.bias holds <U1"):
        fit_weights(graph, given | {"conv1.bias": np.array(["a"] * 4)})
    with pytest.raises(SpecError, match="and 3 more"):
        fit_weights(graph, {})


def test_torch_accepts_what_is_saved(graph: Graph, tmp_path: Path) -> None:
    """The names and shapes are those that torch's own layers expect."""
    module = torch.nn.Module()
    module.conv1, module.bn1 = torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.BatchNorm2d(4)
    module.fc1 = torch.nn.Linear(256, 5)
    save_weights(graph, draw(graph, 1), tmp_path / "net.safetensors")
    state = {key: torch.from_numpy(array.copy()) for key, array in load_weights(tmp_path / "net.safetensors").items()}
    missing, unexpected = module.load_state_dict(state, strict=False)
    assert not missing and not unexpected
    fit_weights(graph, {key: value.numpy() for key, value in module.state_dict().items()})
