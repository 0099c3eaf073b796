"""Cells: which one is meant by what was pasted, its partners and synapses, and how far to trust them."""
