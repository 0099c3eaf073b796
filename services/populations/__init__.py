"""Populations: who connects to whom among sets of cells of any size."""
