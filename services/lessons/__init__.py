"""Lessons: exercises on the data at hand, each a Markdown file in `lessons/`.

Public names:

- `answers`: is_right, of_datastack
- `files`: Lesson, lessons
"""
