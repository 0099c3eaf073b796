"""Tables of CAVE, whether held, large or at a moment: rows, joins, facets, plots, files, scripts."""
