"""Lessons: exercises on the data at hand, each a Markdown file in `lessons/`."""
