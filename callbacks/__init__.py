"""What happens when a page is opened or used. Importing this package registers all of it."""

from callbacks import connectivity_viewer, home, shell, table_panels, table_viewer

__all__ = ["connectivity_viewer", "home", "shell", "table_panels", "table_viewer"]
