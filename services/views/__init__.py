"""What the address of a page means: its view, read by page and API alike, and the links of the older viewers.

Public names:

- `addresses`: CATALOGUE_PAGE, COMPARED, CONNECTIVITY_PAGE, CellAddress, IDS, LATEST, LONGEST_VALUE, MODELS,
  NO_MODEL, NO_TYPES, ORDERS, PATH_ORDERS, POPULATIONS_PAGE, POPULATION_VALUES, PopulationAddress, Query,
  SAME, TABLE_PAGE, TABS, TableAddress, WALL_PAGE, WallAddress, parse_catalogue, parse_connectivity,
  parse_population, parse_table, parse_wall, pinned
- `cell_choices`: CellChoices
- `cell_view`: CellView, READINGS
- `datastack_check`: check, write_scaffold
- `head_start`: begin, view
- `offered`: fitting
- `old_links`: translate
- `population_view`: NotReadError, PopulationView
- `resolving`: default_table, release_of
- `search`: address_of
- `start`: CellExample, PairExample, TypeExample, cells, types
- `table_opening`: exact_view, held, open_view
- `table_view`: HeldView, PagedView
- `wall_view`: WallView
"""
