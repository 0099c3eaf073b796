"""The code of notebooks of others, rewritten: it stays Python, and the same constants become the same ones."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from localcave.__main__ import main
from localcave.errors import InputError
from localcave.notebook.examples import Examples
from localcave.notebook.rewriting import rewritten

TOKEN = """a"b'c\\d"""
EXAMPLES = Examples(
    datastack="demo",
    segmentation="graphene://{SERVER}/segmentation/table/demo_pcg",
    versions=((1300, "2025-01-13T10:10:01+00:00"), (943, "2024-01-22T08:10:01+00:00")),
    roots=(864691135000000001, 864691135000000002),
    supervoxels=(90000000000000001, 90000000000000002),
    nuclei=(11, 22, 33),
    state=None,
)


def _notebook(*codes: str, **fields: Any) -> dict[str, Any]:
    content = {"cells": [{"cell_type": "code", "source": code} for code in codes], **fields}
    return rewritten(content, EXAMPLES, server="http://here:1", datastack="demo", token=TOKEN)


def _code(*codes: str) -> str:
    """The rewritten code; its cells are Python once what only IPython reads is taken out."""
    cells = ["".join(cell["source"]) for cell in _notebook(*codes)["cells"]]
    for cell in cells:
        ast.parse(re.sub(r"(?m)^[ \t]*[!%].*$", "", cell))
    return "\n".join(cells[1:])


@pytest.mark.parametrize(
    "code",
    [
        "if IN_COLAB:\n    !pip install caveclient\nelse:\n    import sys",
        "!pip install \\\n   caveclient \\\n   'nglui<4'\nimport sys",
        "import sys\n\n%pip install caveclient\n%conda install numpy",
        "if 1:\n    !{sys.executable} -m pip install -q caveclient\n",
        "try:\n    import sys\nexcept ImportError:\n    !uv pip install caveclient",
    ],
)
def test_installs_become_statements_that_do_nothing(code: str) -> None:
    rewritten_code = _code(code)
    assert not re.search(r"(?m)^\s*[!%]", rewritten_code)
    assert ast.dump(ast.parse(rewritten_code)).count("Pass()") == len(re.findall(r"[!%].*(?:pip|conda)", code))
    assert "import sys" in rewritten_code or "import" not in code


@pytest.mark.parametrize(
    ("code", "positional", "named"),
    [
        (
            "CAVEclient('minnie65_public',   # public (or mine\n version=1300, # pin it, it's old\n)",
            ["demo"],
            {"version": 1300},
        ),
        ("CAVEclient(# version=1\n datastack_name='minnie65_public')", [], {"datastack_name": "demo"}),
        (
            "CAVEclient('minnie65_public', 'https://x#(', 'MINE', info_cache={'a': [1, 2], 'b': f(g(3))}, **more)",
            ["demo"],
            {"info_cache": ..., None: ...},
        ),
        ("CAVEclient()", [], {}),
    ],
)
def test_clients_keep_their_own_arguments(code: str, positional: list[str], named: dict[str | None, Any]) -> None:
    call = ast.parse(_code(f"client = {code}").strip()).body[0].value  # type: ignore[attr-defined]
    assert [argument.value for argument in call.args] == positional
    ours = {"server_address", "auth_token", "write_server_cache"}
    keywords = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg not in ours}
    assert keywords.keys() == named.keys()
    assert len(call.keywords) == len(named) + 3
    assert all(keywords[name].value == value for name, value in named.items() if value is not ...)


def test_the_first_cell_gives_the_token_as_it_is() -> None:
    given = ast.parse(_notebook()["cells"][0]["source"]).body[-1].value
    assert ast.literal_eval(given) == {"token": TOKEN}


def test_clients_in_comments_stay_there() -> None:
    code = "# client = CAVEclient('minnie65_public')\n# CAVEclient(\n#   'minnie65_public')\nx = 1"
    assert ast.dump(ast.parse(_code(code))) == ast.dump(ast.parse("x = 1"))


def test_logins_are_gone_wherever_they_stand() -> None:
    code = _code(
        "client.auth.save_token(token=my_token(1), overwrite=True); y = 2\n"
        "print(client.auth.get_new_token(\n    # (your token\n))"
    )
    assert code == "client.auth.token; y = 2\nprint(client.auth.token)"


def test_calls_that_never_end_take_no_time() -> None:
    with pytest.raises(SyntaxError):
        _code("CAVEclient(" + "f(1), " * 2000)


@pytest.mark.parametrize(("minor", "has_id"), [(4, False), (5, True), (None, False)])
def test_the_added_cell_has_an_id_where_the_format_knows_them(minor: int | None, has_id: bool) -> None:
    assert ("id" in _notebook("x = 1", nbformat=4, nbformat_minor=minor)["cells"][0]) == has_id


@pytest.mark.parametrize("source", [None, 5, {}, [1], ["x = 1", None]])
def test_cells_without_text_are_refused(source: Any) -> None:
    with pytest.raises(InputError, match="cell 2 has no text as its source"):
        _notebook("x = 1", source)


def test_a_byte_order_mark_is_no_part_of_a_notebook(small_cortex: Path, tmp_path: Path) -> None:
    content = json.dumps({"cells": [{"cell_type": "code", "source": "x = 1"}]})
    (tmp_path / "in.ipynb").write_text(content, encoding="utf-8-sig")
    options = ["-o", str(tmp_path / "out.ipynb"), "--folder", str(small_cortex)]
    assert main(["notebook", str(tmp_path / "in.ipynb"), *options]) == 0
    assert json.loads((tmp_path / "out.ipynb").read_text())["cells"][1]["source"] == ["x = 1"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("filter_equal_dict={'id': 230650}", "filter_equal_dict={'id': 11}"),
        ('filter_in_dict={"t": {"id":[264873, 258362]}}', 'filter_in_dict={"t": {"id":[11, 22]}}'),
        ("cell_id = 264824", "cell_id = 11"),
        ("nid: int = 264873", "nid: int = 11"),
        ("df[df.target_id == 258362]", "df[df.target_id == 11]"),
        ("df[df['target_id'] != 258362]", "df[df['target_id'] != 11]"),
        ("df.query('id_ref in (258362, 264873)')", "df.query('id_ref in (11, 22)')"),
        ("df[df.id.isin([258362, 264873])]", "df[df.id.isin([11, 22])]"),
        ("df[df.id.eq(258362)]", "df[df.id.eq(11)]"),
        ("x = np.array([264873])", "x = np.array([11])"),
        ("NUC_IDS = np.array([264873, 258362])", "NUC_IDS = np.array([11, 22])"),
        ("for nucleus_id in [264873, 258362]:\n    pass", "for nucleus_id in [11, 22]:\n    pass"),
        (
            "nuc_ids = [264873,  # (one)\n    258362, 230650]\nf(258362, 999999)",
            "nuc_ids = [11,  # (one)\n    22, 33]\nf(22, 999999)",
        ),
        ("nucleus_position = [241856, 207360, 21360]", "nucleus_position = [241856, 207360, 21360]"),
        ("synapse_id = 264873; valid = 10000; limit=500000", "synapse_id = 264873; valid = 10000; limit=500000"),
        ("nuc_volume = 264873.5; id_nm=1.25000", "nuc_volume = 264873.5; id_nm=1.25000"),
    ],
)
def test_nucleus_ids_are_replaced_wherever_they_stand(code: str, expected: str) -> None:
    assert _code(code) == expected


def test_ids_of_one_list_are_all_replaced_and_stay_the_same_ones() -> None:
    root, other = 864691135572530981, 864691135617152361
    code = _code(f"f({other})\nmixed = [{root}, {other}, 264873]", f"nuc_ids = [258362, 264873]\nroot = {root}")
    (first, second), nuclei = EXAMPLES.roots, EXAMPLES.nuclei
    assert code == (
        f"f({first})\nmixed = [{second}, {first}, {nuclei[0]}]\nnuc_ids = [{nuclei[1]}, {nuclei[0]}]\nroot = {second}"
    )


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("mat_version = 1078", "mat_version = 943"),
        ("MAT_VERSION = 1507", "MAT_VERSION = 1300"),
        ("version: int = 117", "version: int = 943"),
        ("versions = [661, 1078, 1507]", "versions = [943, 943, 1300]"),
        ("assert client.version == 1078", "assert client.version == 943"),
        ("get_version_metadata(661)", "get_version_metadata(943)"),
        ("get_versions_metadata()[9]['time_stamp']", "get_versions_metadata()[1]['time_stamp']"),
        ("get_versions()[0]", "get_versions()[0]"),
        ("f(skeleton_version=40, materialization=661)", "f(skeleton_version=40, materialization=943)"),
        ("python_version >= (3, 10)", "python_version >= (3, 10)"),
    ],
)
def test_versions_become_those_that_there_are(code: str, expected: str) -> None:
    assert _code(code) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("graphene://https://minnie.microns-daf.com/segmentation/table/minnie65_public", "graphene"),
        ("graphene://middleauth+https://minnie.microns-daf.com/segmentation/table/minnie3_v1/", "graphene"),
        ("s3://bossdb-open-data/iarpa_microns/minnie/minnie65/seg", "segmentation"),
        ("gs://iarpa_microns/minnie/minnie65/seg_m1300/", "segmentation"),
        ("precomputed://s3://bossdb-open-data/iarpa_microns/minnie/minnie65/em", "image"),
        ("precomputed://https://bossdb-open-data.s3.amazonaws.com/iarpa_microns/minnie/minnie65/em", "image"),
    ],
)
def test_sources_are_those_of_the_server(source: str, expected: str) -> None:
    graphene = "graphene://http://here:1/segmentation/table/demo_pcg"
    local = graphene if expected == "graphene" else f"precomputed://http://here:1/precomputed/demo/{expected}"
    assert _code(f"CloudVolume('{source}', mip=1)") == f"CloudVolume('{local}', mip=1)"
