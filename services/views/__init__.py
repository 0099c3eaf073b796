"""What an address means: the views of the pages, and the old viewers' links."""
