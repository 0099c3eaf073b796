"""Populations: who connects to whom among sets of cells of any size.

Public names:

- `chance`: Draws, Groups, PERMUTATIONS, SEED, compare, count_motifs, is_kept, is_long, measured
- `comparisons`: BOOTSTRAPS, COMPARED, Compared, SECOND, WORDS, at_version, changes, difference, nuclei
- `distributions`: BOOTSTRAPS, by_distance, by_tuning, compartments, degrees, depths_of,
  synapses_per_connection, targets
- `edges`: End
- `figure_reads`: cells, edges, groups, second_edges, somata, synapses
- `groupings`: CELL, Grouping, column_of, entry, group, missing, named, notices, of_presynaptic
- `jobs`: Job, Jobs, LongError, current, is_long
- `matrices`: Matrix, UNITS, VALUES, Value, WORDS, matrix
- `motifs`: PERMUTATIONS, notes
- `networks`: Network, network
- `nulls`: COUNTED, Counted, MODELS, Model, Null, draws, keep_degrees, keep_depths, keep_distances
- `orders`: ORDERS, order
- `paths`: MOST_STEPS, ORDERS, WORDS, between
- `population`: Pair, Population, beside, choose, cost, narrowed, notes_beside, read, restricted, second,
  synapses_of, with_new
- `scripts`: edges_script, readings, second
- `sets`: CellSet, PROOFREAD, ROOT_IDS, resolve, root_id
- `similar_cells`: CLUSTERS, clusters, like, partners, profiles
- `similarity`: MEASURES, Measure
- `tags`: of_synapses
- `totals`: of_shares
"""
