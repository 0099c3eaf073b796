"""A real datastack, through caveclient, to a datastack folder."""
