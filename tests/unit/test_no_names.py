"""Karst knows tables by their roles: no name of a table or column of one datastack stands in its code."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcave.cortex.catalogue import TABLES, VIEWS
from localcave.importer.schemas import schema_types
from tests.servers import ROOT

RULES = ROOT / "services" / "core" / "roles.py"
FOLDERS = ("services", "callbacks", "components", "api", "pages", "assets")
SCHEMA_COLUMNS = {column.name for columns in schema_types().values() for column in columns}
VIEW_COLUMNS = {name for _, _, columns in VIEWS.values() for name in columns}
BEYOND = (
    *("aibs_metamodel_celltypes_v661", "aibs_metamodel_mtypes_v661_v2", "aibs_soma_nuc_exc_mtype_preds_v117"),
    *("aibs_soma_nuc_metamodel_preds_v117", "allen_column_mtypes_v1", "allen_soma_coarse_cell_class_model_v1"),
    *("allen_v1_column_types_slanted_ref", "allen_visp_column_soma_coarse_types_v1", "apl_functional_coreg_forward_v5"),
    *("apl_functional_coreg_vess_fwd", "baylor_gnn_cell_type_fine_model_v2", "baylor_log_reg_cell_type_coarse_v1"),
    *("bodor_pt_cells", "bodor_pt_target_proofread", "cell_type_multifeature_v1", "cg_cell_type_calls"),
    *("connectivity_groups_v507", "coregistration_auto_phase3_fwd", "coregistration_auto_phase3_fwd_v2"),
    *("coregistration_auto_phase3_fwd_apl_vess_combined", "coregistration_auto_phase3_fwd_apl_vess_combined_v2"),
    *("coregistration_manual_v3", "coregistration_manual_v4", "functional_properties_v3_bcm", "gamlin_2023_mcs"),
    *("l5et_column", "nucleus_alternative_points", "nucleus_functional_area_assignment", "nucleus_neuron_svm"),
    *("nucleus_ref_neuron_svm", "proofreading_status_public_release", "pt_synapse_targets"),
    *("synapse_target_predictions_ssa", "synapse_target_predictions_ssa_v2", "synapse_target_structure"),
    *("vortex_compartment_targets", "vortex_manual_myelination_v0", "vortex_manual_nodes_of_ranvier"),
    *("vortex_microglia_proximity", "vortex_opc_proximity", "vortex_peptidergic_cell_typing"),
)
"""Tables of minnie65 at one version or another, with those that the demo leaves out."""
PLAIN = {"id", "cell_type", "root_id"}
"""Column names of views that CAVE and Karst themselves have."""
OF_PROFILES = ("default_table", "type_tables", "hidden_tables", "type_order", "roles")
"""The keys of a profile whose values, or keys for those of tables, are names of tables."""


def profiled() -> set[str]:
    """The tables that the profiles of all datastacks name, and the datastacks."""
    names = set()
    for path in (ROOT / "config" / "datastacks").glob("*.toml"):
        profile = tomllib.loads(path.read_text())
        names |= {path.stem, *(name for key in OF_PROFILES for name in texts(profile.get(key, ())))}
    return {name for name in names if "_" in name} - {"karst_demo"}  # which is the default


def texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list() | tuple():
            yield from value
        case {"table": name}:
            yield name
        case dict():
            yield from (key for key in value if isinstance(value[key], dict) and "table" not in value[key])
            yield from (name for one in value.values() for name in texts(one) if not isinstance(one, list))


def code() -> list[Path]:
    own = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".js"}]
    return [path for path in own if path != RULES and ".min." not in path.name]


def occurrences(names: set[str]) -> list[str]:
    return sorted(f"{path.relative_to(ROOT)}: {name}" for path in code() for name in named(names, path.read_text()))


def named(names: set[str], text: str) -> list[str]:
    matches: list[str] = re.findall(rf"(?<!\w)({'|'.join(map(re.escape, sorted(names)))})(?!\w)", text)
    return matches


@pytest.mark.parametrize(
    "line",
    [
        'release.table("synapses_pni_2")',
        "TABLE = 'nucleus_detection_v0'  # not by role",
        'where = {"synapses_pni_2": 1}',
        '"""Reads proofreading_status_and_strategy."""',
    ],
)
def test_a_name_in_code_is_found(line: str) -> None:
    assert len(named({*TABLES, *VIEWS}, line)) == 1
    assert not named({*TABLES, *VIEWS}, line.replace("_", "-"))


def test_no_table_or_view_of_minnie65_is_named() -> None:
    names = {*TABLES, *VIEWS, *BEYOND}
    assert {"synapses_pni_2", "nucleus_detection_v0", "proofreading_status_and_strategy"} <= names
    assert len(names - {*TABLES, *VIEWS}) > 20
    assert occurrences(names) == []


def test_no_column_of_its_views_is_named() -> None:
    names = VIEW_COLUMNS - SCHEMA_COLUMNS - PLAIN
    assert {"n_input", "n_syn", "nuc_volume"} <= names
    assert occurrences(names) == []


def test_no_datastack_is_named_nor_what_its_profile_names() -> None:
    names = profiled() | {"minnie65_public", "minnie65_phase3", "synapses_nt_v1"}
    assert {"flywire_fafb_public", "cell_representative_point", "nucleus_detection_v0"} <= names
    assert occurrences(names) == []
