"""Names, arithmetic, repeats and blocks: from syntax to a graph of settled operators."""
