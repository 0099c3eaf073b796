"""Pure functions that return Dash components."""
