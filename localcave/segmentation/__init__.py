"""The chunkedgraph and skeletons, recorded or derived from tables."""
