"""The operators, one file per family.  Nobody imports a family: `archspec.op.lookup(NAME)` does, on demand."""
