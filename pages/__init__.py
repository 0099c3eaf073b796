"""One file a page: its path, and the layout that its address asks for."""
