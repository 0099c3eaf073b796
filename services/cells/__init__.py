"""Cells: which cell a pasted text means, its partners and synapses, and how far to trust them.

Public names:

- `arbor`: compartments, depth_profile, sholl, swc
- `card`: CellCard, Named, edits, layer_of, read
- `cell_types`: of_roots, offered, system_column, type_rows
- `cells`: Cell, PLACED, evenly, no_nuclei, nucleus_table, somas
- `changes`: Changes, of_cell
- `column_groups`: GROUPS, here, hidden
- `compartments`: COUNTS, NOT_PREDICTED, TAGS, names, of_rows, required_table, table_of
- `connectivity`: Connectivity, Totals, read, synapses
- `edge_view`: fitting
- `id_search`: COLUMNS, ID_TYPES, IdSearch, MOST_FOLLOWED, search
- `interpretation`: QUESTION_TYPES, Question, answer, cell_of, refuse_several, understand
- `morphology`: Morphology, lines, placed, read, some
- `partner_columns`: SHARE, WORKED_OUT, default_types, fitting, offered
- `partner_groups`: of_partners
- `partner_script`: snippet, turn
- `partner_sets`: combined, grouped, of_way
- `partner_synapses`: of_cell, of_partner_in, warnings, with_partners
- `partner_table`: PartnerOptions, PartnerTable, one_below_the_other, open_partners, percentage, select,
  threshold
- `pasted`: MOST_NAMED, one_id
- `pasted_positions`: placed, read
- `plot_frames`: by_type, compartments_by_type, depth_profile, orientations, per_partner, reciprocal,
  sizes_by_type, soma_map, synapse_depths, type_colours, universe
- `proofreading`: NONE, fault, missing, rows, table_of, concerns_whole_cells, unknown
- `representative`: point_nm
- `role_faults`: missing
- `role_tables`: NEEDED, columns, fault, table_of
- `several_cells`: NUM_CELLS, among, open_partners, totals, with_partner
- `skeleton_script`: readings
- `skeleton_wall`: DrawnCell, MOST_CELLS, Wall, cells, read, rows
- `soma`: image
- `synapse_filter`: ALL, among, chosen, chosen_among, columns_needed, columns_of, parse, parse_among, usual
- `synapse_rows`: CENTRE_NM
- `synapse_script`: MEAN_OF, definition, line, places
- `synapse_values`: fault, transmitter_table
- `synapse_weights`: degrees
- `tuning`: counted_in_words, tables, tuning
- `tuning_script`: scale, units
- `verdict`: Share, Verdict, verdict
"""
