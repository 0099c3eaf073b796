"""Files of a person's own, read exactly: rows that know their file. A CSV is read as text."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq

from localcave.errors import InputError
from localcave.importer.csv_files import CsvForm, read_csv

TEXT = (".csv", ".tsv", ".txt")
NUMBER = re.compile(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?")
_NO_HEADER = (
    "; if its first line is a row and not names, name its columns: "
    '[files] KEY = { file = "NAME", columns = ["id", "x", ...] }'
)
_LEAVE_OUT = "mend it in the file, or leave such rows out with where"


@dataclass(frozen=True)
class Rows:
    """Rows of a file, or of several as one table. `numbers` counts them, the first row of data being 1; `parts` are
    the files of which there are several, each with the number of rows before it."""

    file: str
    table: pa.Table
    numbers: np.ndarray
    parts: tuple[tuple[int, str], ...] = ()

    def column(self, name: str) -> pa.Array:
        """The values of one column, without dictionary encoding. Raises InputError when the file has no such column."""
        if name not in self.table.column_names:
            names = self.table.column_names
            more = _NO_HEADER if any(NUMBER.fullmatch(name) for name in names) else ""
            raise InputError(f"{self.file} has no column {name!r}; it has {', '.join(names)}{more}")
        values = self.table[name].combine_chunks()
        if isinstance(values, pa.ChunkedArray):
            values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
        return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values

    def having(self, columns: dict[str, pa.Array]) -> Rows:
        """The same rows with other columns."""
        return replace(self, table=pa.table(columns))

    def refuse(self, column: str, index: int, problem: str, remedy: str = _LEAVE_OUT) -> InputError:
        """The error that says which value cannot be used, and what to do."""
        number, file = int(self.numbers[index]), self.file
        for before, name in self.parts:
            if number > before:
                file, row = name, number - before
        return InputError(f"{file}, column {column!r}, row {row if self.parts else number}: {problem}; {remedy}")


def open_file(path: Path, form: CsvForm = CsvForm()) -> Rows:  # noqa: B008 - frozen
    """All rows of a CSV (`.csv`, `.tsv`, also `.gz`), Parquet or Feather/Arrow file.

    Columns of a CSV are text, null where empty. Raises InputError for a missing, unreadable or unknown file.
    """
    if not path.is_file():
        raise InputError(f"there is no file {path}; data in the TOML, or --data, says in which folder it is")
    try:
        table = _reader(path, form)(path)
    except (pa.ArrowException, OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        problem = str(error).splitlines()[0]
        raise InputError(f"cannot read {path.name}: {problem}; {_remedy(path, problem)}") from None
    names = table.column_names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{path.name} has more than one column {twice[0]!r}; give each a name of its own")
    return Rows(path.name, table, np.arange(1, table.num_rows + 1))


def _reader(path: Path, form: CsvForm) -> Callable[[Path], pa.Table]:
    name = path.name.lower().removesuffix(".gz")
    if name.endswith(TEXT):
        return lambda p: read_csv(p, form)
    if form != CsvForm():
        raise InputError(f"{path.name} is no CSV, so columns, separator and skip mean nothing; leave them out")
    if name.endswith(".parquet"):
        return lambda p: pq.ParquetFile(p).read()
    if name.endswith((".feather", ".arrow")):
        return pyarrow.feather.read_table
    raise InputError(f"{path.name} is none of {', '.join(TEXT)}, .parquet, .feather, .arrow; save it as one of them")


def _remedy(path: Path, problem: str) -> str:
    """What to do about a file that pyarrow cannot read."""
    if not path.name.lower().removesuffix(".gz").endswith(TEXT):
        return "save it again"
    if path.name.lower().endswith(".gz") and re.search("compress|zlib|gzip|inflate", problem, re.IGNORECASE):
        return "it is cut or damaged: copy it again, or unpack it"
    if "UTF8" in problem:
        return "save it as UTF-8 (in Excel: CSV UTF-8)"
    if problem.startswith("Empty"):
        return "give it a header line, or leave it out of [files]"
    if "Expected 1 columns" in problem:
        return (
            "say what separates its columns, and how many lines are before them: "
            '[files] KEY = { file = "NAME", separator = "|", skip = 2 }'
        )
    return "each line needs as many values as the header, those with separators in them in double quotes"
