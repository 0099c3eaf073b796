"""What happens when a page is opened or used. Importing a module here registers its callbacks."""
