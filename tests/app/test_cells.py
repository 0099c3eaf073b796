"""Finding a cell by whatever a person pastes, through the real caveclient."""

import re
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cave.client import Cave
from services.cave.release import Release
from services.cells import cells, id_search, interpretation
from services.cells.pasted import one_id
from services.core.errors import BadInput, KarstError, NotFound
from services.core.settings import Settings
from services.populations import sets
from services.tables import tables
from tests import tiny
from tests.servers import start_localcave

DS = "karst_demo"


@pytest.fixture(scope="module")
def newest(cave):
    return cave.versions(DS)[0].number


@pytest.fixture(scope="module")
def nuclei(cave, newest):
    return Release.of(cave, DS, newest).table("nucleus_detection_v0")


@pytest.fixture(scope="module")
def single(nuclei):
    """A nucleus whose segment has no other."""
    roots = nuclei["pt_root_id"]
    return nuclei[~roots.duplicated(keep=False) & (roots != 0)].iloc[0]


@pytest.mark.parametrize(
    "typed", ["{}", " {} ", "{},", "[{}]", '"{}"', "'{}',", "\u200b{}\ufeff", "\n{}\t;", "({})", "{}."]
)
def test_an_id_is_found_however_it_was_pasted(cave, newest, single, typed):
    root = int(single["pt_root_id"])
    release = Release.of(cave, DS, newest)
    cell = interpretation.cell_of(release, interpretation.understand(release, typed.format(root)))
    assert (cell.root_id, cell.id_type, cell.requested) == (root, "root_id", root)
    assert cell.nucleus_ids == (int(single["id"]),)
    assert cell.warnings == ()


@pytest.mark.parametrize(
    ("column", "id_type"), [("pt_root_id", "root_id"), ("id", "nucleus_id"), ("pt_supervoxel_id", "supervoxel_id")]
)
def test_the_type_of_an_id_is_detected_and_can_be_named(cave, newest, single, column, id_type):
    id = int(single[column])
    for requested in ("auto", id_type):
        cell = cells.find(Release.of(cave, DS, newest), id, requested)
        assert (cell.root_id, cell.id_type) == (int(single["pt_root_id"]), id_type)


def test_the_soma_is_where_the_nucleus_is(cave, newest, single):
    cell = cells.find(Release.of(cave, DS, newest), int(single["pt_root_id"]))
    nm = tuple(float(single[f"pt_position_{axis}"]) * size for axis, size in zip("xyz", (4, 4, 40), strict=True))
    assert cell.soma_position_nm == nm
    angle = np.deg2rad(5)
    depth = (nm[0] * np.sin(angle) + nm[1] * np.cos(angle) - 396671.0322102845) / 1000
    assert cell.soma_depth_um == pytest.approx(depth)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "No cell"),
        (" , ", "No cell"),
        ("abc", "'abc' is not an id"),
        ("8646911357716095a5", "is not an id"),
        ("-5", "is not an id"),
        ("<script>alert(1)</script>", "is not an id"),
        ("0", "without a segment"),
        ("9223372036854775808", "too large"),
        ("9" * 5000, "too large"),
        ("8.64691135771609E+17", "rounded"),
        ("864691135771609595.0", "rounded"),
        ("864691135771609595 864691135771609596", "2 ids"),
        ("864691135771609595,864691135771609596", "2 ids"),
        ("100547, 100606, 100625", "3 ids"),
    ],
)
def test_what_is_no_id_gets_a_sentence(text, words):
    with pytest.raises(BadInput, match=re.escape(words)) as caught:
        one_id(text)
    assert caught.value.message.endswith(".")
    assert len(caught.value.message) < 200


def test_an_id_in_groups_of_three_is_joined():
    assert one_id("864 691 135 771 609 595") == 864691135771609595
    assert one_id("864,691,135,771,609,595,") == 864691135771609595
    assert one_id("864\u202f691\u202f135\u202f771\u202f609\u202f595") == 864691135771609595


@given(st.integers(1, 2**63 - 1))
def test_any_id_is_read_to_the_last_digit(root):
    assert one_id(f" {root},") == root


@given(st.text(max_size=40))
def test_no_text_breaks_the_reader(text):
    message = "."
    try:
        assert 0 < one_id(text) < 2**63
    except BadInput as error:
        message = error.message
    assert message.endswith(".")


@pytest.mark.parametrize("id", [864691135000000001, 7, 75000000000000001])
def test_an_unknown_id_is_told(cave, newest, id):
    for id_type in cells.ID_TYPES:
        with pytest.raises(NotFound) as caught:
            cells.find(Release.of(cave, DS, newest), id, id_type)
        assert str(id) in caught.value.message


def test_an_unknown_type_of_id_is_told(cave, newest):
    with pytest.raises(BadInput, match="soma_id"):
        cells.find(Release.of(cave, DS, newest), 5, "soma_id")


def test_a_nucleus_outside_any_segment_is_told(cave, newest, nuclei):
    lost = nuclei[nuclei["pt_root_id"] == 0]
    assert len(lost) > 0
    with pytest.raises(NotFound, match="lies in no segment"):
        cells.find(Release.of(cave, DS, newest), int(lost["id"].iloc[0]))


def test_a_segment_with_several_nuclei_lists_them(cave, newest, nuclei):
    known = nuclei[nuclei["pt_root_id"] != 0]
    root, count = next(iter(known["pt_root_id"].value_counts().items()))
    assert count > 1
    cell = cells.find(Release.of(cave, DS, newest), int(root))
    assert cell.nucleus_ids == tuple(sorted(known.loc[known["pt_root_id"] == root, "id"]))
    assert (cell.soma_position_nm, cell.soma_depth_um) == (None, None)
    assert f"{count} nuclei" in cell.warnings[0]
    assert len(cell.warnings[0]) < 300


def test_a_stale_root_is_replaced_and_said(cave, newest, nuclei):
    before = cave.versions(DS)[1].number
    older = Release.of(cave, DS, before).table("nucleus_detection_v0")
    stale = sorted(set(older["pt_root_id"]) - set(nuclei["pt_root_id"]) - {0})
    assert len(stale) > 5
    now = dict(zip(nuclei["id"], nuclei["pt_root_id"], strict=True))
    for root in stale:
        cell = cells.find(Release.of(cave, DS, newest), int(root))
        heirs = {now[nucleus] for nucleus in older.loc[older["pt_root_id"] == root, "id"]}
        assert cell.root_id in heirs
        assert cell.repaired_from == root
        assert 0 < cell.overlap <= 1
        assert all(part in cell.warnings[0] for part in (str(root), str(cell.root_id), f"{cell.overlap:.0%}"))
        assert cells.find(Release.of(cave, DS, before), int(root)).repaired_from is None
        assert f"outdated at version {newest}" in cell.warnings[0]
    newer = next(iter(set(nuclei["pt_root_id"]) - set(older["pt_root_id"]) - {0}))
    cell = cells.find(Release.of(cave, DS, before), int(newer))
    assert f"{newer} is newer than version {before}" in cell.warnings[0] and "outdated" not in cell.warnings[0]
    both = sets.resolve(Release.of(cave, DS, before), f"{newer}, {stale[0]}")
    assert both.notes == (f"Newer than version {before}: 1 root id; the cell that held most of it is used.",)
    (note, *_) = sets.resolve(Release.of(cave, DS, newest), f"{newer}, {stale[0]}").notes
    assert note == "No longer valid: 1 root id; the cell that holds most of it is used."


def test_an_id_of_the_wrong_type_is_told_not_guessed(cave, newest, single):
    with pytest.raises(KarstError):
        cells.find(Release.of(cave, DS, newest), int(single["pt_root_id"]), "nucleus_id")
    with pytest.raises(NotFound):
        cells.find(Release.of(cave, DS, newest), int(single["id"]), "root_id")


def test_a_rounded_id_is_said_to_be_rounded_with_what_may_be_meant(cave, newest, single):
    root = int(single["pt_root_id"])
    for rounded in (root // 1000 * 1000, root // 100 * 100, int(float(root))):
        if rounded == root:
            continue
        with pytest.raises(NotFound, match="looks rounded by a spreadsheet or a browser") as caught:
            cells.find(Release.of(cave, DS, newest), rounded)
        assert "as text" in caught.value.hint
    with pytest.raises(NotFound) as exact:
        cells.find(Release.of(cave, DS, newest), 864691135000000001)
    assert "rounded" not in exact.value.message


def test_a_stale_root_that_was_split_evenly_names_both_heirs(tmp_path):
    with start_localcave([tiny.make(tmp_path / "tiny", split_evenly())]) as url:
        small = Cave(Settings(server_address=url, cache=""))
        cell = cells.find(Release.of(small, "tiny", tiny.NEWEST), tiny.OLD)
        assert cell.root_id in (tiny.A, tiny.C)
        assert all(f"{heir} (50% of its pieces)" in cell.warnings[0] for heir in (tiny.A, tiny.C))
        assert "split evenly" in cell.warnings[0]
        table = tables.open_table(Release.of(small, "tiny", tiny.NEWEST), "types")
        message = " ".join(id_search.search(small, table, str(tiny.OLD)).sentences)
        assert all(f"{heir} (50% of its pieces)" in message for heir in (tiny.A, tiny.C))
        population = sets.resolve(Release.of(small, "tiny", tiny.NEWEST), str(tiny.OLD))
        (note,) = population.notes
        assert population.ids.tolist() == [cell.root_id]
        assert note.startswith(f"No longer valid: {tiny.OLD}, split evenly into ")
        assert note.endswith(f"; {cell.root_id} is used.")
        assert all(f"{heir} (50% of its pieces)" in note for heir in (tiny.A, tiny.C))


def split_evenly():
    """The tiny datastack's segmentation, but OLD was split into A and C, two supervoxels each."""
    born, parted = datetime(2020, 1, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC)
    heirs = {90000000000000001: tiny.A, 90000000000000002: tiny.A, 90000000000000003: tiny.C, 90000000000000021: tiny.C}
    name, start, supervoxels, _, _ = tiny.segmentation()
    owner = tiny.SUPERVOXELS | heirs
    roots = pa.array([owner[one] for one in supervoxels["supervoxel_id"].to_pylist()], pa.int64())
    moment = pa.timestamp("us", "UTC")
    history = pa.table(
        {
            "supervoxel_id": pa.array([*heirs, *heirs], pa.int64()),
            "root_id": pa.array([*[tiny.OLD] * 4, *heirs.values()], pa.int64()),
            "created": pa.array([born] * 4 + [parted] * 4, moment),
            "expired": pa.array([parted] * 4 + [None] * 4, moment),
        }
    )
    split = {
        "operation_id": 1,
        "kind": "split",
        "timestamp": parted.isoformat(),
        "user_id": "1",
        "before_root_ids": [tiny.OLD],
        "after_root_ids": [tiny.A, tiny.C],
    }
    return name, start, supervoxels.set_column(2, "root_id", roots), history, [split]
