"""Populations: who connects to whom among sets of cells of any size.

Public names:

- `chance`: PERMUTATIONS, SEED, compare, depths_um, somata_um
- `comparisons`: COMPARED, Compared, WORDS, changes, difference, nuclei
- `distributions`: by_distance, by_tuning, compartments, degrees, depths, synapses_per_connection, targets
- `edges`: indices_of
- `groupings`: CELL, Grouping, group
- `jobs`: Job, current, is_long
- `likeness`: CLUSTERS, DIRECTIONS, Direction, Profiles, clusters, like, partners, profiles
- `matrices`: Matrix, UNITS, VALUES, Value, WORDS
- `motifs`: PERMUTATIONS, against_degrees
- `networks`: Network, network
- `nulls`: COUNTED, Counted, MODELS, MOST_PERMUTATIONS, Model, Null, WORDS
- `orders`: order
- `paths`: MOST_STEPS, ORDERS, Order, WORDS, between
- `population`: Pair, Population, choose, cost, read, synapses_of
- `reads`: cells, edges, groups, second_edges, somata, synapses
- `scripts`: edges_script
- `sets`: CellSet, PROOFREAD
- `similarity`: MEASURES, Measure
- `tags`: of_synapses
- `totals`: matrix
"""
