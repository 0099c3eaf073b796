"""Cells: which one is meant by what was pasted, its partners and synapses, and how far to trust them.

Public names:

- `arbor`: compartments, depth_profile, sholl, swc
- `card`: CellCard, Named, layer_of, read
- `cell_types`: offered, type_rows
- `cells`: Cell, no_nuclei, nucleus_table, somas
- `changes`: Changes, of_cell
- `column_groups`: GROUPS, here, hidden
- `compartments`: COUNTS, table_of
- `connectivity`: Connectivity, Totals, read, synapses
- `edge_view`: find, fitting
- `id_search`: COLUMNS, ID_TYPES, IdSearch, MOST_FOLLOWED, search
- `interpretation`: QUESTION_TYPES, Question, answer, find, refuse_several, understand
- `morphology`: Morphology, read
- `partner_columns`: SHARE, Side, WORKED_OUT, default_types, fitting, offered
- `partner_groups`: of_partners
- `partner_script`: snippet
- `partner_sets`: combined, grouped, of_way
- `partner_synapses`: of_cell, of_partner_in, with_partners
- `partner_table`: PartnerTable, Wanted, one_below_the_other, open_partners, percentage, select, threshold
- `pasted`: one_id, read_ids
- `pasted_links`: own_sources, stored_state
- `plot_frames`: by_type, compartments_by_type, depth_profile, orientations, per_partner, reciprocal, sizes_by_type,
  soma_map, synapse_depths, type_colours, universe
- `proofreading`: NONE, missing, rows, table_of
- `role_faults`: missing
- `role_tables`: columns, fault, is_of_kind, nameless, table_of
- `several_cells`: among, open_partners, totals, with_partner
- `synapse_filter`: ALL, among, chosen, chosen_among, parse, usual
- `synapse_rows`: CENTRE_NM
- `synapse_weights`: degrees
- `tuning`: counted_in_words, tables
- `verdict`: Share, Verdict, verdict
"""
