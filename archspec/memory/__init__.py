"""How much memory a network takes to run and to train."""
