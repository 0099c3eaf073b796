"""Tables of CAVE, held in memory, too large for it, or at a moment: rows, joins, facets, plots, files, scripts.

Public names:

- `crosstabs`: CrossTab, crosstab, sides
- `examples`: cells, filter_line, types
- `export`: FORMATS, MIME, csv_of_frame, csv_of_frames, file_name, listed_ids, provenance, to_arrow, to_bytes
- `facets`: Bar, Facet, FacetValue, Histogram, facet, facets, histograms, known_values
- `filter_units`: as_known, changed, rewritten, to_unit
- `groups`: BLANK_LABEL, Groups, of_table, of_values, texts, with_several
- `joins`: KEYS, is_here, join_all, join_possible, joinable, with_joined, with_marks
- `large_tables`: LargeTable, MOST_AT_ONCE, MOST_EXPORTED, filters_of, open_any, open_large, read_all,
  read_page, rows_with_ids, too_many, unsorted, with_units
- `live`: catalogue, describe, is_allowed, notices, of_cells, resolve, sentences
- `narrowed_tables`: narrowed, open_narrowed, sentences
- `plots`: Bars, MAPS, Outline, axes, axes_of, bars_of, boxes, counts, counts_of, histogram, map_axes,
  map_points, points_of, scatter, soma_map, thinned, within
- `position_units`: UNITS, columns_in
- `push_down`: push_down
- `rows_of_ids`: rows_of_ids
- `saved_ids`: ids_of, listed, named, query, shortened
- `script_filters`: expression
- `scripts`: AGREED, DATASETS, MATCHES, NATURAL, WITH_TEXTS, commented, large_snippet, ordered, positions,
  table_snippet, wide_lines, written_arguments, written_client
- `systems`: OneSystem, box, shown_system
- `tables`: TableFrame, TableQuery, catalogue, columns_of, filter_of, id_columns, is_type_table, open_table,
  page, row_chunks, row_numbers, rows_of, select, to_records, type_tables, with_units
"""
