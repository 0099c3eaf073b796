"""Three imports in the shape of public datastacks other than minnie65, drawn anew: FlyWire, BANC and H01."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from localcave.importer.importing import import_datastack

N_CELLS, N_SYNAPSES = 250, 9_000
TRANSMITTERS = ("gaba", "ach", "glut", "oct", "ser", "da")
SYSTEMS = ("flow", "super_class", "cell_type", "side")
PLACE = '{ from = ["x", "y", "z"], unit = "nm" }'


def draw(seed: int = 7) -> dict[str, pd.DataFrame]:
    """The files: `cells`, `nuclei` of most of them, `annotations` and `tags` with several rows of a cell, `synapses`.
    Positions are in nm."""
    rng = np.random.default_rng(seed)
    super_class = rng.choice(["optic", "central", "sensory"], N_CELLS, p=[0.5, 0.4, 0.1])
    places = rng.uniform((200e3, 100e3, 2e3), (800e3, 350e3, 270e3), (N_CELLS, 3)).round()
    cells = pd.DataFrame(
        {
            "id": np.arange(1, N_CELLS + 1),
            "root": 720575940600000000 + 7 * rng.choice(10**6, N_CELLS, replace=False).astype(np.int64),
            **dict(zip("xyz", places.T, strict=True)),
            "flow": np.where(super_class == "sensory", "afferent", "intrinsic"),
            "super_class": super_class,
            "cell_type": [f"{name[:2].upper()}{rng.integers(1, 9):03d}" for name in super_class],
            "side": rng.choice(["left", "right"], N_CELLS),
            "proofread": rng.random(N_CELLS) < 0.9,
            "user": rng.integers(1, 50, N_CELLS),
        }
    )
    nuclei = cells.loc[rng.random(N_CELLS) < 0.85, ["id", "root", *"xyz"]].assign(volume=100.0)
    annotations = cells.melt(["id", "user"], [*SYSTEMS], "system", "value")
    tags = cells.loc[np.repeat(cells.index, rng.integers(0, 4, N_CELLS))].reset_index(drop=True)
    tags["tag"] = np.where(rng.random(len(tags)) < 0.5, tags["cell_type"] + "; " + tags["side"], "putative")
    tags["tag2"] = rng.choice(["neuron identity", "soma side"], len(tags))
    return {
        "cells": cells,
        "nuclei": nuclei,
        "annotations": annotations,
        "tags": tags[["root", *"xyz", "tag", "tag2", "user"]],
        "synapses": _synapses(rng, cells),
    }


def _synapses(rng: np.random.Generator, cells: pd.DataFrame) -> pd.DataFrame:
    pre, post = rng.integers(0, N_CELLS, N_SYNAPSES), rng.zipf(1.3, N_SYNAPSES) % N_CELLS
    ends = [cells.loc[which, [*"xyz"]].to_numpy() for which in (pre, post)]
    centre = (np.mean(ends, axis=0) + rng.normal(0, 2000, (N_SYNAPSES, 3))).round()
    places = {"pre": centre - 30, "post": centre + 30, "ctr": centre}
    return pd.DataFrame(
        {
            "id": np.arange(1, N_SYNAPSES + 1),
            "pre": cells["root"].to_numpy()[pre],
            "post": cells["root"].to_numpy()[post],
            **{f"{name}_{axis}": at[:, n] for name, at in places.items() for n, axis in enumerate("xyz")},
            "connection_score": rng.uniform(10, 300, N_SYNAPSES),
            "cleft_score": rng.integers(0, 180, N_SYNAPSES).astype(float),
            **dict(zip(TRANSMITTERS, rng.dirichlet([1] * len(TRANSMITTERS), N_SYNAPSES).T, strict=True)),
            "valid_nt": True,
            "size": rng.integers(50, 3000, N_SYNAPSES).astype(float),
            "score": rng.uniform(0, 1, N_SYNAPSES),
            "neuropil": rng.choice(["ME_L", "ME_R", "AL_R", "GNG"], N_SYNAPSES),
        }
    )


def _table(name: str, schema: str, file: str, columns: Mapping[str, str], more: str = "") -> str:
    lines = "\n".join(f"{column} = {source}" for column, source in columns.items())
    return f'[tables.{name}]\nfile = "{file}"\nschema = "{schema}"\n{more}\n[tables.{name}.columns]\n{lines}\n'


def _datastack(name: str, resolution: str, volume: str, roles: str, tables: list[str]) -> str:
    files = "\n".join(f'{file} = "{file}.parquet"' for file in ("cells", "nuclei", "annotations", "tags", "synapses"))
    return (
        f'data = "."\n[datastack]\nname = "{name}"\ndescription = "Drawn for tests."\n'
        f'resolution_nm = {resolution}\naligned_volume = "{volume}"\n{roles}\n'
        f"[version]\nnumber = 783\ntimestamp = 2023-09-30T05:10:00Z\n[files]\n{files}\n" + "".join(tables)
    )


def _of(*names: str, **others: str) -> dict[str, str]:
    return {name: f'"{name}"' for name in names} | {name: f'"{source}"' for name, source in others.items()}


BOUND = {"pt_position": PLACE, "pt_root_id": '"root"'}
PROOFREAD = _of("id", "proofread", valid_id="root", user_id="user") | BOUND
NUCLEI = _of("id", "volume") | BOUND
ANNOTATED = _of(target_id="id", classification_system="system", cell_type="value")
ENDS = _of("id", pre_pt_root_id="pre", post_pt_root_id="post") | {
    f"{name}_pt_position": f'{{ from = ["{name}_x", "{name}_y", "{name}_z"], unit = "nm" }}' for name in ("pre", "post")
}
CENTRES = {"ctr_pt_position": '{ from = ["ctr_x", "ctr_y", "ctr_z"], unit = "nm" }'}
NEUROPILS = _table(
    "fly_synapses_neuropil", "fly_neuropil", "synapses", _of("neuropil", target_id="id"),
    'reference_table = "synapses_nt_v1"',
)  # fmt: skip
NM = "resolution_nm = [1, 1, 1]"
ANNOTATIONS = _table(
    "hierarchical_neuron_annotations", "cell_type_reference", "annotations", ANNOTATED,
    'reference_table = "proofread_neurons"',
)  # fmt: skip
TAGS = _table("neuron_information_v2", "bound_tag_user", "tags", _of("tag", user_id="user") | BOUND)
DATASTACKS = {
    "flywire_fafb_public": _datastack(
        "flywire_fafb_public", "[4, 4, 40]", "fafb_seung_alignment_v0",
        'synapse_table = "synapses_nt_v1"\nsoma_table = "nuclei_v1"',
        [
            _table("nuclei_v1", "nucleus_detection", "nuclei", NUCLEI),
            _table("proofread_neurons", "proofreading_boolstatus_user", "cells", PROOFREAD),
            ANNOTATIONS,
            TAGS,
            _table("synapses_nt_v1", "fly_nt_synapse", "synapses",
                   ENDS | _of("connection_score", "cleft_score", *TRANSMITTERS, "valid_nt"), NM),
            NEUROPILS,
        ],
    ),
    "brain_and_nerve_cord": _datastack(
        "brain_and_nerve_cord", "[4, 4, 45]", "wclee_fly_cns_001",
        'synapse_table = "synapses_v2"\nsoma_table = "somas_v1a"\nproofreading_status_table = "backbone_proofread"',
        [
            _table("somas_v1a", "nucleus_detection", "nuclei", NUCLEI),
            _table("cell_representative_point", "bound_tag_user", "cells",
                   _of("id", user_id="user") | BOUND | {"tag": '{ value = "rep" }'}),
            _table("backbone_proofread", "proofreading_boolstatus_user", "cells", PROOFREAD),
            _table("codex_annotations", "cell_type_reference_user", "annotations", ANNOTATED | _of(user_id="user"),
                   'reference_table = "cell_representative_point"'),
            _table("cell_info", "bound_double_tag_user", "tags", _of("tag", "tag2", user_id="user") | BOUND),
            _table("synapses_v2", "synapse", "synapses", ENDS | CENTRES | _of("size"), NM),
        ],
    ),
    "h01_like": _datastack(
        "h01_like", "[8, 8, 33]", "h01_volume", 'synapse_table = "synapses_nt_v1"',
        [
            _table("proofread_neurons", "proofreading_boolstatus_user", "cells", PROOFREAD),
            ANNOTATIONS,
            TAGS,
            _table("synapses_nt_v1", "nocleft_synapse", "synapses", ENDS | _of("score"), NM),
            NEUROPILS,
        ],
    ),
}  # fmt: skip
"""The configurations of `localcave import`, by the names of the datastacks."""


def make(folder: Path) -> dict[str, Path]:
    """Draw the files in `folder` and import them; the folders of the datastacks by their names."""
    for name, frame in draw().items():
        frame.to_parquet(folder / f"{name}.parquet")
    for name, text in DATASTACKS.items():
        (folder / f"{name}.toml").write_text(text)
        import_datastack(folder / f"{name}.toml", folder / "served" / name)
    return {name: folder / "served" / name for name in DATASTACKS}
