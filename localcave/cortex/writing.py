"""Writes a cortex as a datastack folder."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from localcave.cortex import base_tables, catalogue, recipe, reference_tables, segmentation
from localcave.cortex.model import Cortex, Step
from localcave.layout import DatastackWriter

OLDER = recipe.VERSIONS[-2::-1]
N_STEPS = 4


def write(cortex: Cortex, folder: Path, step: Step) -> None:
    """Write all tables, views, the segmentation and the skeletons."""
    writer = DatastackWriter(folder, recipe.DATASTACK, catalogue.INFO)
    for number, version in enumerate(recipe.VERSIONS):
        valid = version != recipe.EXPIRED_VERSION
        writer.add_version(
            version, recipe.VERSION_TIME[version], recipe.VERSION_EXPIRES[version], valid=valid, id=number + 1
        )
    step("writing synapses")
    _write_synapses(cortex, writer)
    step("writing tables")
    _write_tables(cortex, writer)
    step("writing the segmentation")
    oldest = f"{recipe.OLDEST}+00:00"
    writer.set_segmentation(
        recipe.PCG_TABLE,
        oldest,
        segmentation.supervoxel_table(cortex),
        segmentation.history_table(cortex),
        cortex.history.operations,
    )
    step("writing skeletons")
    writer.set_skeletons(segmentation.skeleton_table(cortex))
    writer.finish()


def _write_synapses(cortex: Cortex, writer: DatastackWriter) -> None:
    name, newest = "synapses_pni_2", recipe.NEWEST_VERSION
    order = ["post_pt_root_id", "pre_pt_root_id"]
    writer.add_table(
        newest, name, base_tables.synapses(cortex, newest), catalogue.metadata(name, newest), sorted_by=order
    )
    for version in OLDER:
        rows = base_tables.synapses(cortex, version, base_tables.changed_synapses(cortex, version))
        writer.add_table(version, name, rows, catalogue.metadata(name, version), base_version=newest)


def _write_tables(cortex: Cortex, writer: DatastackWriter) -> None:
    """Tables that grow are written whole for every version, the others as what differs from the newest."""
    newest = recipe.NEWEST_VERSION
    for version in recipe.VERSIONS:
        name = "proofreading_status_and_strategy"
        writer.add_table(version, name, base_tables.proofreading(cortex, version), catalogue.metadata(name, version))
    nuclei = base_tables.nucleus_detection(cortex, newest)
    _write_fixed(writer, "nucleus_detection_v0", nuclei)
    for version in OLDER:
        then = base_tables.nucleus_detection(cortex, version)
        changed = then.filter(pc.not_equal(then["pt_root_id"], nuclei["pt_root_id"]))
        _write_older(writer, "nucleus_detection_v0", version, changed)
    for name, rows in (
        ("aibs_metamodel_celltypes_v661", reference_tables.metamodel(cortex)),
        ("nucleus_ref_neuron_svm", reference_tables.neuron_svm(cortex)),
    ):
        _write_fixed(writer, name, rows)
        for version in OLDER:
            _write_older(writer, name, version, rows.slice(0, 0))


def _write_fixed(writer: DatastackWriter, name: str, rows: pa.Table) -> None:
    version = recipe.NEWEST_VERSION
    writer.add_table(version, name, rows, catalogue.metadata(name, version), sorted_by=("id",))


def _write_older(writer: DatastackWriter, name: str, version: int, changed: pa.Table) -> None:
    writer.add_table(version, name, changed, catalogue.metadata(name, version), base_version=recipe.NEWEST_VERSION)
