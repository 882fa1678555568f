"""The one map from a node's path to its names outside: PyTorch module path, state_dict key, ONNX initialiser."""

from __future__ import annotations

import keyword

from archspec.graph import Graph, Node
from archspec.op import Weight

# What a child of nn.Module, nn.Sequential, nn.ModuleList or nn.ModuleDict cannot be called, beside their methods that
# start with an underscore.  Written out so that the map needs no torch; a test compares it with torch's own.
_CLAIMED = """
    T_destination add_module append apply bfloat16 buffers call_super_init children clear compile cpu cuda double
    dump_patches eval extend extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half insert
    ipu items keys load_state_dict modules mtia named_buffers named_children named_modules named_parameters parameters
    pop register_backward_hook register_buffer register_forward_hook register_forward_pre_hook
    register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook
    register_state_dict_pre_hook requires_grad requires_grad_ set_extra_state set_submodule share_memory state_dict to
    to_empty train training type update values xpu zero_grad
"""
RESERVED = frozenset(_CLAIMED.split())


def _segment(name: str) -> str:
    """One path segment as an attribute.  Stripping underscores before the look-up keeps the map one-to-one."""
    bare = name.rstrip("_")
    clash = keyword.iskeyword(bare) or bare in RESERVED or name in RESERVED or name.startswith("_")
    return f"{name}_" if clash else name


def module_path(path: str) -> str:
    """The dotted PyTorch module path of a node path: the same, but for words that Python or nn.Module claims."""
    return ".".join(map(_segment, path.split(".")))


def weight_key(node: Node, weight: Weight) -> str:
    """The state_dict key of a weight that `node` owns."""
    return f"{module_path(node.path)}.{weight.name}"


def owned_weights(graph: Graph) -> dict[str, tuple[Node, Weight]]:
    """Every array of the network once, by its state_dict key, in order; a later use of a shared layer owns none."""
    return {
        weight_key(node, weight): (node, weight)
        for node in graph.nodes
        if node.shares is None
        for weight in node.op.weights(*graph.shapes_into(node))
    }
