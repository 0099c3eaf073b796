"""CSV files as people have them, read as text: separators, lines before the header, no header at all."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv

from localcave.errors import InputError

SEPARATORS = (",", ";", "\t", "|")
BLANKS = " "
"""Any number of them between columns, as `numpy.savetxt` and `column -t` write them."""
FEW = 5
"""Lines that show whether blanks separate columns."""
MOST_BEFORE = 1_000
"""Lines looked at before the header."""

_PROVENANCE = re.compile(r"# [\w ]+: ")
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?')
_QUOTED = re.compile(r'"[^"]*"')
_UNQUOTED_BLANKS = re.compile(r' +(?=(?:[^"]*"[^"]*")*[^"]*$)')


@dataclass(frozen=True)
class CsvForm:
    """What the person says of a CSV. `columns`: names of the columns of a file without header; `separator`: one
    character, found from the first line when empty; `skip`: lines before the header or the first row."""

    columns: tuple[str, ...] = ()
    separator: str = ""
    skip: int | None = None


def read_csv(path: Path, form: CsvForm) -> pa.Table:
    """All columns as text, null where empty. Lines `# name: value` before the header, which Karst writes when it is
    asked to, are skipped, and so is `sep=;`, which Excel reads; names have no spaces around them.
    Raises InputError, or what pyarrow raises for a broken file."""
    lines = _first_lines(path)
    skip = form.skip if form.skip is not None else _provenance_lines(lines)
    stated = _SEPARATOR_LINE.fullmatch(lines[skip]) if skip < len(lines) else None
    skip += stated is not None
    first = lines[skip] if skip < len(lines) else ""
    result = stated[1] if stated else "\t" if ".tsv" in path.name.lower() else _separator(lines[skip:], form)
    separator = form.separator or result
    if form.columns and tuple(part.strip(' "') for part in first.split(separator)) == form.columns:
        raise InputError(f"{path.name} begins with the names of its columns; leave columns out")
    source: Path | pa.Buffer = path
    if separator == BLANKS:
        source, skip = _one_blank(path, skip), 0
    parse = pa_csv.ParseOptions(delimiter=separator, newlines_in_values=True)
    read = pa_csv.ReadOptions(skip_rows=skip, column_names=list(form.columns) or None)
    with pa_csv.open_csv(_opened(source), read_options=read, parse_options=parse) as reader:
        names = reader.schema.names
    convert = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
    )
    table = pa_csv.read_csv(_opened(source), read_options=read, parse_options=parse, convert_options=convert)
    return table.rename_columns([name.strip() for name in names])


def _first_lines(path: Path) -> list[str]:
    with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
        lines = [line for _, line in zip(range(MOST_BEFORE), file, strict=False)]
    if lines and lines[0].startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{path.name} is UTF-16 text; save it as UTF-8 (in Excel: CSV UTF-8)")
    return [line.decode("utf-8-sig", errors="replace").rstrip("\r\n") for line in lines]


def _provenance_lines(lines: list[str]) -> int:
    return next((at for at, line in enumerate(lines) if not _PROVENANCE.match(line)), len(lines))


def _separator(lines: list[str], form: CsvForm) -> str:
    """That which makes as many columns as are named, else the one that the first line has most of; blanks where it has
    none and they make as many columns of the lines after it."""
    bare = [_QUOTED.sub('""', line) for line in lines[:FEW]]
    first = bare[0] if bare else ""
    fitting = [separator for separator in SEPARATORS if 0 < first.count(separator) == len(form.columns) - 1]
    if fitting or any(separator in first for separator in SEPARATORS):
        return (fitting or sorted(SEPARATORS, key=first.count, reverse=True))[0]
    counts = {len(line.removeprefix("#").split()) for line in bare if line.strip()}
    return BLANKS if len(counts) == 1 and _fits(counts.pop(), form) else SEPARATORS[0]


def _fits(count: int, form: CsvForm) -> bool:
    return count == len(form.columns) if form.columns else count > 1


def _opened(source: Path | pa.Buffer) -> Path | pa.BufferReader:
    return source if isinstance(source, Path) else pa.BufferReader(source)


def _one_blank(path: Path, skip: int) -> pa.Buffer:
    """A file, from line `skip` on, with one blank between columns, where there may be more."""
    with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
        lines = [line.decode("utf-8-sig").strip() for line in file][skip:]
    if lines:
        lines[0] = lines[0].removeprefix("#").strip()
    spaced = "\n".join(_UNQUOTED_BLANKS.sub(" ", line) for line in lines if line)
    return pa.py_buffer(spaced.encode())
