"""The filter language: from lines and boxes to conditions, from conditions to rows of a frame.

Public names:

- `boxes`: InBox, UNIT_NM
- `column_conditions`: AgainstColumn, Once, occurs_once
- `completion`: offered
- `conditions`: Saved
- `filters`: Node, all_of, box_of, parse_box, parse_line
- `misread`: misread
- `nodes`: And, Between, Blank, Compare, Condition, Everything, InSaved, Matches, Node, NoneOf, Not,
  NotInSaved, OneOf, Or, all_of, any_of
- `values`: LARGEST_ID, Value, described, format_value, written
"""
