"""The scripts and the style sheets of a folder as one file each: a page asks for two files instead of twenty."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from flask import Flask, Response

TYPES = {"js": "text/javascript", "css": "text/css"}
ALONE = "boot.js"
"""This one comes before the first paint, so it stays as it is."""


def serve(server: Flask, folder: Path, at: str) -> None:
    """Answer `at`/karst.js and `at`/karst.css with all files of that kind in `folder`, in the order of their names."""
    for suffix, mimetype in TYPES.items():
        files = sorted(file for file in folder.glob(f"*.{suffix}") if file.name != ALONE)
        content = "\n".join(file.read_text() for file in files)
        server.add_url_rule(f"{at}/karst.{suffix}", f"karst_{suffix}", _answering(content, mimetype))


def _answering(content: str, mimetype: str) -> Callable[[], Response]:
    return lambda: Response(content, mimetype=mimetype)
