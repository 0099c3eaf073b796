"""Published figures as files: what was published, and what of the data at hand it is compared with."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.core.settings import ROOT

FOLDER = ROOT / "gallery"
WANTED = {"title": str, "kind": str, "source": str, "version": int, "about": str, "view": str, "of": dict}


@dataclass(frozen=True)
class Figure:
    """`published` are the numbers of a `source` at a `version` by what they are of; where no public table has any,
    there are none and `claim` says what it found in words. `kind` and `of` say how
    :func:`numbers.compare` comes by the same of other data, `about` what in them depends on the version, and `view` is
    the address that shows more."""

    name: str
    title: str
    kind: str
    source: str
    version: int
    about: str
    view: str
    of: Mapping[str, Any]
    published: Mapping[str, float]
    claim: str = ""


def figures(folder: Path = FOLDER) -> list[Figure]:
    """The figures of a folder, in the order of their names. Raises ValueError, naming a file that is wrong."""
    return [read(path) for path in sorted(folder.glob("*.toml"))]


def read(path: Path) -> Figure:
    """The figure of a file. Raises ValueError."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    for key, kind in WANTED.items():
        if not isinstance(content.get(key), kind):
            raise ValueError(f"{path.name} has no {key}, or one that is no {kind.__name__}")
    published, claim = content.get("published", {}), content.get("claim", "")
    if not isinstance(published, dict) or not isinstance(claim, str) or not (published or claim):
        raise ValueError(f"{path.name} has neither published numbers nor a claim")
    return Figure(path.stem, published=published, claim=claim, **{key: content[key] for key in WANTED})
