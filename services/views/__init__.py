"""What an address means: the views of the pages, and the old viewers' links.

Public names:

- `addresses`: CATALOGUE_PAGE, CONNECTIVITY_PAGE, CellAddress, IDS, LATEST, LONGEST_VALUE, MODELS, NO_MODEL,
  NO_TYPES, ORDERS, POPULATIONS_PAGE, POPULATION_VALUES, PopulationAddress, Query, SAME, TABLE_PAGE, TABS,
  TableAddress, parse_catalogue, parse_connectivity, parse_population, parse_table, pinned
- `cell_choices`: CellChoices
- `cell_view`: CellView, SIDES, groupings
- `datastack_check`: check, write_scaffold
- `head_start`: begin, view
- `offered`: fitting, named
- `old_links`: translate
- `resolving`: default_table, release_of
- `table_view`: HeldView, PagedView, held, open_view
"""
