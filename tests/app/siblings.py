"""The siblings of the demo: their tables as pandas reads them, and what the API answers of them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from flask.testing import FlaskClient

from localcave.folder.writer import table_path

FLY, V1DD = ("karst_fly", 783), ("karst_v1dd", 1196)


def tables_of(folder: Path, version: int) -> dict[str, pd.DataFrame]:
    return {path.parent.name if path.parent.name != str(version) else path.stem: pd.read_parquet(path)
            for path in table_path(folder, version, "x").parent.glob("*.parquet")}  # fmt: skip


def ask(client: FlaskClient, place: tuple[str, int], path: str, **requested: object) -> dict:
    answer = client.get(f"/api/v1/{place[0]}/{place[1]}/{path}", query_string=requested)
    assert answer.status_code == 200, answer.json
    return answer.json


def frame_of(answer: dict) -> pd.DataFrame:
    return pd.DataFrame(answer["rows"]).astype({"root_id": "int64"}).set_index("root_id")


def busiest(synapses: pd.DataFrame) -> int:
    """The cell with the tenth most input synapses."""
    counts = synapses.loc[synapses["post_pt_root_id"] != 0, "post_pt_root_id"].value_counts()
    return int(counts.index[10])


def of_partners(synapses: pd.DataFrame, cell: int) -> pd.DataFrame:
    """The input synapses of a cell that are of partners."""
    own = synapses[(synapses["post_pt_root_id"] == cell) & (synapses["pre_pt_root_id"] != cell)]
    return own[own["pre_pt_root_id"] != 0]


def annotated(fly: dict[str, pd.DataFrame], system: str) -> dict[int, str]:
    """What one system says of each root id."""
    rows, cells = fly["hierarchical_neuron_annotations"], fly["proofread_neurons"].set_index("id")["pt_root_id"]
    own = rows[rows["classification_system"] == system]
    return dict(zip(own["target_id"].map(cells), own["cell_type"], strict=True))
