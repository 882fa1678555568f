"""Weights in files: safetensors and NumPy's .npz, by state_dict key.  Nothing is ever unpickled."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from archspec.emit.names import owned_weights
from archspec.files import whole
from archspec.graph import Graph
from archspec.op import Shape, by
from archspec.source import Diagnostic, SpecError

# Names of safetensors' types and how NumPy reads them; bfloat16, which NumPy lacks, is the upper half of a float32.
_DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
}
_DTYPES |= {"U8": "u1", "BOOL": "?"}
_HEADER = 100_000_000  # bytes that safetensors allows its header
_INSTEAD = "in Python: safetensors.torch.save_file(module.state_dict(), 'net.safetensors')"


def save_weights(
    graph: Graph, weights: Mapping[str, Any], path: str | Path, *, spare: Iterable[str | Path] = ()
) -> None:
    """Writes the network's weights as safetensors or .npz, by the path's ending; the file appears whole or not at all.

    Each array is read once from `weights`, so that drawn ones never stand in memory together.
    """
    ending = Path(path).suffix
    if ending not in _WRITERS:
        raise _refused(f"cannot write weights to {path}: the ending says no format", f"use {' or '.join(_WRITERS)}")
    with whole(path, spare=spare) as (draft,):
        fill_weights(graph, weights, ending, draft)


def fill_weights(graph: Graph, weights: Mapping[str, Any], ending: str, draft: Path) -> None:
    """Writes the weights into the draft of a file with this ending."""
    check_names(graph, weights)
    with open(draft, "wb") as file:
        _WRITERS[ending](graph, weights, file)


def load_weights(path: str | Path) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors or .npz file, by name.  Raises SpecError for anything else, pickles among it."""
    try:
        with open(path, "rb") as file:
            start = file.read(16)
            file.seek(0)
            if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
                return _read_npz(file, path)
            if start.startswith(b"\x80") and start[8:9] != b"{":
                raise _pickled(path)
            return _read_safetensors(file, path)
    except OSError as error:
        raise _refused(f"cannot read {path}: {(error.strerror or str(error)).lower()}", "check the path") from error


def fit_weights(graph: Graph, weights: Mapping[str, Any]) -> dict[str, NDArray[np.float32]]:
    """The given arrays as the network's own: float32, every name and shape as it has them.

    PyTorch's counters of seen batches are passed over.  Raises SpecError with all that is missing, left over or of
    another shape.
    """
    check_names(graph, weights)
    owned = owned_weights(graph)
    wrong = []
    for key, (_, weight) in owned.items():
        array = np.asarray(weights[key])
        if array.dtype.kind not in "fiu":
            wrong.append(f"{key} holds {array.dtype}")
        elif array.shape != weight.shape:
            wrong.append(f"{key} is {_size(array.shape)}, not {_size(weight.shape)}")
    if wrong:
        raise _misfit(graph, [_listed("other arrays", wrong)])
    return {key: float_array(weights, key, weight.shape) for key, (_, weight) in owned.items()}


def check_names(graph: Graph, weights: Mapping[str, Any]) -> None:
    """Raises SpecError when a weight of the network is missing or a given one has no place in it."""
    owned = owned_weights(graph)
    missing = [f"{key} ({_size(weight.shape)})" for key, (_, weight) in owned.items() if key not in weights]
    left = [key for key in weights if key not in owned and not key.endswith(".num_batches_tracked")]
    if missing or left:
        raise _misfit(
            graph, [_listed(what, keys) for what, keys in (("missing", missing), ("left over", left)) if keys]
        )


def float_array(weights: Mapping[str, Any], key: str, shape: Shape) -> NDArray[np.float32]:
    """One weight as a contiguous little-endian float32 array, without a copy where it is one already."""
    array = np.asarray(weights[key], "<f4", order="C")
    if array.shape != shape:
        raise ValueError(f"{key} is {_size(array.shape)}, the network has {_size(shape)}")
    return array


def _size(shape: Shape) -> str:
    return by(shape) or "a single number"


def _listed(what: str, keys: list[str]) -> str:
    more = f" and {len(keys) - 5} more" if len(keys) > 5 else ""
    return f"{what}: {', '.join(keys[:5])}{more}"


def _misfit(graph: Graph, notes: list[str]) -> SpecError:
    help = "the names are those of state_dict() of the emitted PyTorch module"
    return SpecError((Diagnostic("A722", f"the weights are not {graph.name}'s", notes=tuple(notes), help=help),))


def _refused(message: str, help: str) -> SpecError:
    return SpecError((Diagnostic("A721", message, help=help),))


def _pickled(path: str | Path) -> SpecError:
    return _refused(
        f"{path} holds Python pickles, which can run code when they are read; archspec reads none", _INSTEAD
    )


def _write_npz(graph: Graph, weights: Mapping[str, Any], file: BinaryIO) -> None:
    """One array after the other; np.savez would want all of them at once."""
    with zipfile.ZipFile(file, "w") as archive:
        for key, (_, weight) in owned_weights(graph).items():
            with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, float_array(weights, key, weight.shape), allow_pickle=False)


def _read_npz(file: BinaryIO, path: str | Path) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    try:
        with zipfile.ZipFile(file) as archive:
            if any(name.endswith(".pkl") for name in archive.namelist()):  # what torch.save writes
                raise _pickled(path)
            for name in archive.namelist():
                with archive.open(name) as member:
                    arrays[name.removesuffix(".npy")] = np.lib.format.read_array(member, allow_pickle=False)
    except (ValueError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        if "Object arrays" in str(error):
            raise _pickled(path) from error
        raise _refused(f"{path} is no .npz of arrays: {error}", _INSTEAD) from error
    return arrays


def _write_safetensors(graph: Graph, weights: Mapping[str, Any], file: BinaryIO) -> None:
    """The length of a JSON header in 8 bytes, the header, then the arrays end to end."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}  # transformers and mlx refuse files without it
    end = 0
    for key, (_, weight) in owned_weights(graph).items():
        start, end = end, end + 4 * prod(weight.shape)
        header[key] = {"dtype": "F32", "shape": weight.shape, "data_offsets": (start, end)}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the arrays start aligned
    file.write(struct.pack("<Q", len(text)) + text)
    for key, (_, weight) in owned_weights(graph).items():
        file.write(float_array(weights, key, weight.shape).data)


def _read_safetensors(file: BinaryIO, path: str | Path) -> dict[str, NDArray[Any]]:
    size = file.seek(0, 2)
    file.seek(0)
    try:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > min(_HEADER, size - 8):
            raise ValueError("its header does not fit the file")
        header = json.loads(file.read(length))
        header.pop("__metadata__", None)
        return {name: _read_array(file, name, entry, 8 + length, size) for name, entry in header.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, struct.error) as error:
        raise _refused(f"{path} is neither safetensors nor .npz: {error}", _INSTEAD) from error


def _read_array(file: BinaryIO, name: str, entry: Mapping[str, Any], origin: int, size: int) -> NDArray[Any]:
    """One array of a safetensors file whose data begins at `origin`."""
    if entry["dtype"] not in _DTYPES:
        raise ValueError(f"{name} holds {entry['dtype']}")
    dtype, shape = np.dtype(_DTYPES[entry["dtype"]]), tuple(map(int, entry["shape"]))
    start, end = entry["data_offsets"]
    if min((*shape, start)) < 0 or end - start != prod(shape) * dtype.itemsize or origin + end > size:
        raise ValueError(f"{name} does not fit the file")
    file.seek(origin + start)
    array = np.frombuffer(file.read(end - start), dtype).reshape(shape)
    return (array.astype("<u4") << 16).view("<f4") if entry["dtype"] == "BF16" else array


_WRITERS = {".safetensors": _write_safetensors, ".npz": _write_npz}
