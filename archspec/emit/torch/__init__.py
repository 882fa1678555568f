"""PyTorch source from a graph, in phases: tree (scopes) -> classes (one per kind of scope) -> forward -> text."""
