"""A notebook with its constants replaced. Only code changes."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlsplit

from localcave.errors import InputError
from localcave.folder.writer import SERVER
from localcave.notebook.examples import Examples

ORIGINALS = ("minnie65_public", "minnie65_phase3_v1", "minnie65_phase3_v0")
ROOT_IDS = re.compile(r"\b(?:864691\d{12}|648518\d{12})\b")
SUPERVOXEL_IDS = re.compile(r"\b(?!864691|648518)\d{17,18}\b")
STATE_IDS = re.compile(r"(\bstate_id\s*=\s*|get_state_json\(\s*)(\d{12,17})\b")
_ASSIGNED = r"""['"]?\]?\s*(?::\s*int\s*=|[=!<>]=|[=:<>]|\bin\b|\.(?:isin|eq|ne)\()\s*"""
_VALUE = r"(?:\d+|(?:[\w.]+\(\s*)?[\[({][^\[\](){}]*[\])}])"
"""One number, or a flat list of them, also as an array."""
NUCLEI = re.compile(
    r"(?i:\b(?!syn|state|unit|field|scan|session)(?:nuc|nucs|nucleus|nuclei|(?:\w*_|nuc|nucleus|cell|target)?n?ids?)"
    rf"(?:_?\d+|_list|_ref)?){_ASSIGNED}{_VALUE}|\(\[\s*\d+\s*\]\)"
)
NUCLEUS_IDS = re.compile(r"(?<![\w.])\d{5,7}\b(?!\.\d)")
VERSIONS = re.compile(
    rf"(?i:\b(?!python|skel|mesh)(?:\w*versions?|materialization)){_ASSIGNED}{_VALUE}|get_version_metadata\(\s*\d+"
)
VERSION_NUMBERS = re.compile(r"(?<![\w.])\d{2,4}\b(?!\.\d)")
VERSION_PLACES = re.compile(r"(\bget_versions(?:_metadata)?\(\)\[)(\d+)(?=\])")
TIMES = re.compile(r"\bdatetime\(\s*(\d{4})\s*,([^()]*)\)")
_PLAIN = _IN_CALL = r"""[^()#'"]|'[^'\n]*'|"[^"\n]*"|#.*\n"""
for _ in range(3):  # calls in calls
    _IN_CALL = rf"(?:{_PLAIN}|\((?:{_IN_CALL})*\))"
CLIENTS = re.compile(rf"\bCAVEclient\(({_IN_CALL}*)\)")
OUR_ARGUMENTS = ("auth_token", "auth_token_file", "auth_token_key", "server_address", "write_server_cache")
LONG_IDS = re.compile(r"\b\d{2,3}(?:_\d{3}){5}\b")
"""Written in groups of three."""
COMMENTS = re.compile(r"#.*")
KEYS = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\[(['\"]?)(\d{17,18})\2\]")
LOGINS = re.compile(rf"\b([\w.]*auth)\.(?:setup_token|save_token|get_new_token)\({_IN_CALL}*\)")
_BUCKETS = r"(?:precomputed://)?(?:gs://|s3://bossdb-open-data/|https://bossdb-open-data\.s3\.amazonaws\.com/)[\w./-]*"
FLAT = re.compile(rf"{_BUCKETS}/seg(?:_m\d+)?/?(?=[\"'])")
IMAGE = re.compile(rf"{_BUCKETS}/em/?(?=[\"'])")
GRAPHENE = re.compile(
    r"graphene://(?:middleauth\+)?https://[\w.-]+/segmentation/(?:api/v1/)?table/minnie\w*/?(?=[\"'])"
)
INSTALLS = re.compile(r"^([ \t]*)([!%]\s*(?:\S+\s+-m\s+|uv\s+)?(?:pip3?|conda|mamba)\b(?:.*\\\n)*.*)$", re.MULTILINE)
FIRST_CELL = """\
# This notebook was made to run without network by `python -m localcave notebook`: server, datastack, token, versions
# and example ids are those of {datastack} at {server}.
import cloudvolume.secrets

cloudvolume.secrets.CAVE_CREDENTIALS_CACHE[{host!r}] = {{"token": {token!r}}}"""


def rewritten(
    notebook: dict[str, Any], examples: Examples, *, server: str, datastack: str, token: str
) -> dict[str, Any]:
    """A notebook (its JSON) that reads `datastack` of the localcave at `server`, without its outputs. The same id
    always becomes the same one. Raises InputError for what is no notebook."""
    cells = notebook.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise InputError("this is no notebook: it has no cells")
    for number, cell in enumerate(cells, 1):
        source = cell.get("source")
        if not isinstance(source, str | list) or not all(isinstance(line, str) for line in source):
            raise InputError(f"this is no notebook: cell {number} has no text as its source")
    change = _Change(examples, server, datastack, token)
    change.note(["".join(cell["source"]) for cell in cells if cell.get("cell_type") == "code"])
    changed = [_cell(cell, change) for cell in cells]
    host = urlsplit(server).netloc
    first = FIRST_CELL.format(datastack=datastack, server=server, host=host, token=token)
    added: dict[str, Any] = {
        "cell_type": "code",
        "metadata": {},
        "execution_count": None,
        "outputs": [],
        "source": first,
    }
    minor = notebook.get("nbformat_minor")
    if isinstance(minor, int) and minor >= 5:  # cells have ids since format 4.5, and may have none before
        added["id"] = "localcave"
    return {**notebook, "cells": [added, *changed]}


def _cell(cell: dict[str, Any], change: _Change) -> dict[str, Any]:
    if cell.get("cell_type") != "code":
        return cell
    source = "".join(cell["source"])
    return {**cell, "outputs": [], "execution_count": None, "source": change(source).splitlines(keepends=True)}


class _Change:
    """Changes the code of one cell after the other, and remembers which id became which."""

    def __init__(self, examples: Examples, server: str, datastack: str, token: str):
        self._examples, self._datastack = examples, datastack
        self._segmentation = examples.segmentation.replace(SERVER, server)
        self._given = f"server_address={server!r}, auth_token={token!r}, write_server_cache=False"
        self._source = f"precomputed://{server}/precomputed/{examples.datastack}"
        self._roots: dict[str, int] = {}
        self._supervoxels: dict[str, int] = {}
        self._nuclei: dict[str, int] = {}
        self._named_nuclei: set[str] = set()
        self._keys: dict[str, dict[str, int]] = {}

    def note(self, sources: Sequence[str]) -> None:
        """Remember the numbers that are nucleus ids where they are given a name or stand alone in a list, and the ids
        that stand only in brackets behind a name: keys of an answer, which has others here."""
        for source in sources:
            for text in NUCLEI.findall(f"{source}\n{COMMENTS.sub('', source)}"):
                self._named_nuclei.update(NUCLEUS_IDS.findall(text))
        code = LONG_IDS.sub(lambda match: match[0].replace("_", ""), "\n".join(sources))
        ids = set(re.findall(r"\b\d{17,18}\b", COMMENTS.sub("", KEYS.sub("", code))))
        for name, _, key in KEYS.findall(code):
            if key not in ids:
                numbers = self._keys.setdefault(name, {})
                numbers.setdefault(key, len(numbers))

    def __call__(self, code: str) -> str:
        code = INSTALLS.sub(lambda line: f"{line[1]}pass  # " + re.sub(r"\s*\\\n\s*", " ", line[2]), code)
        code = LONG_IDS.sub(lambda match: match[0].replace("_", ""), code)
        for name in ORIGINALS:
            code = re.sub(rf"(['\"]){name}\1", rf"\g<1>{self._datastack}\g<1>", code)
        code = CLIENTS.sub(self._client, code)
        code = LOGINS.sub(r"\1.token", code)
        code = FLAT.sub(f"{self._source}/segmentation", IMAGE.sub(f"{self._source}/image", code))
        code = GRAPHENE.sub(self._segmentation, code)
        code = KEYS.sub(self._key, code)
        code = ROOT_IDS.sub(self._id(self._roots, self._examples.roots), code)
        code = SUPERVOXEL_IDS.sub(self._id(self._supervoxels, self._examples.supervoxels), code)
        nucleus = self._id(self._nuclei, self._examples.nuclei)
        code = NUCLEUS_IDS.sub(lambda match: nucleus(match) if match[0] in self._named_nuclei else match[0], code)
        if self._examples.state is not None:
            code = STATE_IDS.sub(rf"\g<1>{self._examples.state}", code)
        code = VERSIONS.sub(lambda match: VERSION_NUMBERS.sub(self._version, match[0]), code)
        last = len(self._examples.versions) - 1
        code = VERSION_PLACES.sub(lambda match: f"{match[1]}{min(int(match[2]), last)}", code)
        return TIMES.sub(self._time, code)

    def _client(self, call: re.Match[str]) -> str:
        """The call with our address and token; of what stands without a name only the first is a datastack."""
        try:
            parsed = cast(ast.Call, ast.parse(call[0], mode="eval").body)
        except SyntaxError:  # half of it in a comment, say
            return call[0]
        named = [keyword for keyword in parsed.keywords if keyword.arg not in OUR_ARGUMENTS]
        arguments = [ast.unparse(part) for part in [*parsed.args[:1], *named]]
        return f"CAVEclient({', '.join([*arguments, self._given])})"

    def _key(self, match: re.Match[str]) -> str:
        """The first key that there is in place of the first of these that a name was asked for, and so on."""
        name, number = match[1], self._keys.get(match[1], {}).get(match[3])
        return match[0] if number is None else f"{name}[list({name})[{number}]]"

    @staticmethod
    def _id(replacements: dict[str, int], examples: Sequence[int]) -> Callable[[re.Match[str]], str]:
        def replace(match: re.Match[str]) -> str:
            return str(replacements.setdefault(match[0], examples[len(replacements) % len(examples)]))

        return replace

    def _version(self, match: re.Match[str]) -> str:
        """The newest version that is not newer than the one named, else the oldest."""
        numbers = [number for number, _ in self._examples.versions]
        older = [number for number in numbers if number <= int(match[0])]
        return str(older[0] if older else numbers[-1])

    def _time(self, match: re.Match[str]) -> str:
        """The time of the oldest version in place of one that lies before it."""
        first = datetime.fromisoformat(self._examples.versions[-1][1])
        if int(match[1]) >= first.year:
            return match[0]
        zone = re.search(r"tzinfo\s*=\s*[\w.]+", match[2])
        arguments = first.strftime("%Y, %-m, %-d, %-H, %-M, %-S, ") + str(first.microsecond)
        return f"datetime({arguments}{', ' + zone[0] if zone else ''})"
