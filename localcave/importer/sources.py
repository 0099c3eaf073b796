"""What the TOML says of the files of an import."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcave.errors import InputError
from localcave.importer.csv_files import CsvForm
from localcave.importer.toml_fields import Section

WILD = "*?["


@dataclass(frozen=True)
class FilePlan:
    """One entry of `[files]`: `names` of files (with `*` and `?` where many are meant) that make one table."""

    names: tuple[str, ...]
    form: CsvForm

    def paths(self, folder: Path) -> list[Path]:
        """The files themselves, those of one pattern by name. Raises InputError for a pattern that fits none."""
        return [path for name in self.names for path in _fitting(folder, name)]


def read_files(section: Section) -> dict[str, FilePlan]:
    """`[files]` of the TOML. Raises InputError naming the key."""
    return {key: _file(f"{section.where}: {key}", value) for key, value in section.values.items()}


def _fitting(folder: Path, name: str) -> list[Path]:
    if (folder / name).exists() or not any(sign in name for sign in WILD):
        return [folder / name]
    matches = sorted(glob.glob(name, root_dir=folder, recursive=True))
    if not matches:
        raise InputError(
            f"no file in {folder} fits {name!r}; data in the TOML, or --data, says in which folder they are"
        )
    return [folder / name for name in matches]


def _file(where: str, value: Any) -> FilePlan:
    if not isinstance(value, dict):
        return FilePlan(_names(where, value), CsvForm())
    section = Section(where, value)
    skip, separator = section.get("skip"), section.text("separator", default="")
    if skip is not None and (type(skip) is not int or not 0 <= skip <= 1_000):
        raise InputError(f"{where}: skip is a number of lines before the header, not {skip!r}")
    if len(separator) > 1 or not separator.isascii():
        raise InputError(f"{where}: separator must be one character, e.g. ';', not {separator!r}")
    columns = section.get("columns", [])
    if not isinstance(columns, list) or not all(isinstance(name, str) and name for name in columns):
        raise InputError(f"{where}: columns must be a list of names, for a file without header, not {columns!r}")
    plan = FilePlan(_names(where, section.get("file")), CsvForm(tuple(columns), separator, skip))
    section.no_more()
    return plan


def _names(where: str, value: Any) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise InputError(f"{where} must be the name of a file, a list of names, or {{ file = ... }}, not {value!r}")
    return tuple(names)
