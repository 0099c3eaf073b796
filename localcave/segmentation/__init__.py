"""The chunkedgraph and skeletons, recorded or derived from tables.

Public names:

- `chunkedgraph`: EditEdge, Operation, Segmentation, parse_time
- `chunks`: Ids, LAYERS, POSITION_BITS
- `contacts`: contacts
- `derived`: oldest_before
- `derived_history`: make_segmentation
- `level2`: ATTRIBUTES, Level2
- `skeletons`: PRECOMPUTED_INFO, SKELETON_VERSION, SOMA, Skeleton, Skeletons
- `trees`: path_between, tree_roots
"""
