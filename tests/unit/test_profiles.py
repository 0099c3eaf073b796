"""Profiles: the TOML of a datastack over that of its volume, over defaults."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from services.core import space
from services.core.profiles import Profile, Viewer, Volume, faults, load_profile, load_volume
from services.core.settings import ROOT

CONFIG = ROOT / "config"
TYPES = {
    "23P", "4P", "5P-IT", "5P-ET", "5P-NP", "6P-CT", "6P-IT", "BC", "BPC", "MC", "NGC",
    "astrocyte", "pericyte", "microglia", "oligo", "OPC",
}  # fmt: skip
Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes `folder/name.toml` and returns the configuration's folder."""

    def write(name: str, content: str) -> Path:
        path = tmp_path / f"{name}.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
        return tmp_path

    return write


class TestShipped:
    """The files of this repository."""

    def test_the_volume_of_minnie65(self) -> None:
        volume = load_volume(CONFIG, "minnie65_phase3")
        assert volume.transform == "minnie65"
        column, diver = volume.layer_sets
        assert (column.name, column.key, diver.name, diver.key) == (
            "Allen V1 column", "allen_v1_column", "CAVE Diver", "cave_diver",
        )  # fmt: skip
        assert column.layers == (
            ("L1", 0.0), ("L2/3", 57.6), ("L4", 226.4), ("L5", 361.3), ("L6a", 501.6), ("L6b", 678.1), ("WM", 716.6),
        )  # fmt: skip
        assert diver.layers == (
            ("L1", 0.0), ("L2/3", 91.806), ("L4", 261.219), ("L5", 391.863), ("L6", 537.05), ("WM", 753.58),
        )  # fmt: skip
        assert volume.layers == column.layers
        assert volume.depth_range_um == (0.0, 775.0)
        assert volume.voxel_resolution_nm == (4.0, 4.0, 40.0)

    @pytest.mark.parametrize("name", sorted(path.stem for path in (CONFIG / "volumes").glob("*.toml")))
    def test_every_volume_is_read_whole(self, name: str) -> None:
        volume = load_volume(CONFIG, name)
        assert not faults(CONFIG, "none", name)
        assert [axis.removesuffix("_um") for axis in volume.axes] == ["x", "depth" if volume.has_depth else "y", "z"]

    @pytest.mark.parametrize("name", sorted(path.stem for path in (CONFIG / "datastacks").glob("*.toml")))
    def test_every_profile_is_read_whole(self, name: str) -> None:
        assert not faults(CONFIG, name, "none")
        assert load_profile(CONFIG, name, "none").title != name

    def test_its_transform_is_one_that_the_services_know(self) -> None:
        volume = load_volume(CONFIG, "minnie65_phase3")
        # A point of the MICrONS tutorials, and where they say it is: x, depth and z in um.
        result = space.nm_to_um([[178400 * 4.0, 143248 * 4.0, 21238 * 40.0]], volume)[0]
        assert result == pytest.approx([660.945, 236.335, 849.52], abs=1e-3)

    @pytest.mark.parametrize("path", sorted((CONFIG / "datastacks").glob("*.toml")), ids=lambda path: path.stem)
    def test_every_profile_is_read_without_a_warning(self, path: Path, caplog: pytest.LogCaptureFixture) -> None:
        profile = load_profile(CONFIG, path.stem, "minnie65_phase3")
        assert caplog.text == ""
        assert profile.title != path.stem
        if "[roles]" in path.read_text() and not path.stem.startswith("karst"):
            assert path.read_text().startswith("# Read, not tried: ")
        if path.stem.startswith(("minnie65", "karst_demo")):
            assert profile.default_table == "aibs_metamodel_celltypes_v661"
            assert profile.type_tables[0] == profile.default_table
            assert set(profile.palette) == TYPES

    def test_every_volume_is_read_without_a_warning(self, caplog: pytest.LogCaptureFixture) -> None:
        for path in (CONFIG / "volumes").glob("*.toml"):
            load_volume(CONFIG, path.stem)
        assert caplog.text == ""


class TestReading:
    def test_without_files_there_are_defaults(self, tmp_path: Path) -> None:
        assert load_volume(tmp_path, "v") == Volume("v", transform="identity", layers=())
        assert load_profile(tmp_path, "ds", "v") == Profile("ds", title="ds")

    def test_the_datastack_stands_above_its_volume(self, write: Write) -> None:
        write("volumes/v", '[palette]\nBC = "#111111"\nMC = "#222222"\n')
        folder = write("datastacks/ds", 'title = "T"\n[palette]\nMC = "#ABCDEF"\n')
        assert load_profile(folder, "ds", "v").palette == {"BC": "#111111", "MC": "#abcdef"}

    def test_everything_that_a_profile_can_say(self, write: Write) -> None:
        folder = write(
            "datastacks/ds",
            """
            title = "T"
            description = "D"
            default_table = "a"
            type_tables = ["a", "b"]
            hidden_tables = ["c"]
            allow_live = true
            viewers = [{ name = "Mine", url = "https://x.example.org/", kind = "mainline" }]
            [neuroglancer]
            segmentation_source = "precomputed://y"
            """,
        )
        assert load_profile(folder, "ds", "v") == Profile(
            "ds",
            title="T",
            description="D",
            default_table="a",
            type_tables=("a", "b"),
            hidden_tables=("c",),
            allow_live=True,
            viewers=(Viewer("Mine", "https://x.example.org/", "mainline"),),
            neuroglancer={"segmentation_source": "precomputed://y"},
        )

    def test_an_unknown_key_is_told_with_its_file(self, write: Write, caplog: pytest.LogCaptureFixture) -> None:
        folder = write("datastacks/ds", 'tytle = "T"\ndescription = "D"\n')
        assert load_profile(folder, "ds", "v") == Profile("ds", title="ds", description="D")
        assert "'tytle'" in caplog.text
        assert "did you mean 'title'" in caplog.text
        assert "datastacks/ds.toml" in caplog.text

    @pytest.mark.parametrize(
        "line",
        [
            "title = 5",
            'type_tables = "a"',
            "type_tables = [1]",
            'allow_live = "yes"',
            'palette = { BC = "red" }',
            "palette = 5",
            'viewers = [{ name = "x" }]',
            'viewers = [{ name = "x", url = "https://x", kind = "telescope" }]',
            "neuroglancer = 5",
        ],
    )
    def test_a_value_that_cannot_be_is_told_and_left_out(
        self, write: Write, caplog: pytest.LogCaptureFixture, line: str
    ) -> None:
        folder = write("datastacks/ds", f'default_table = "a"\n{line}\n')
        assert load_profile(folder, "ds", "v") == Profile("ds", title="ds", default_table="a")
        assert repr(line.split(maxsplit=1)[0]) in caplog.text

    @pytest.mark.parametrize(
        "line",
        [
            "layers = [{ name = 'L1' }]",
            "layers = [{ name = 'L2', top_um = 90 }, { name = 'L1', top_um = 0 }]",
            "depth_range_um = [1]",
            "voxel_resolution_nm = [true, true, true]",
            "voxel_resolution_nm = ['a', 'b', 'c']",
            "axes = ['x', 'y']",
            "axes = ['x', 'y', 'x']",
            "axes = ['x', 'depth', 'z']",
            "axes = ['x', 'y', 'a b']",
            "axes = ['x', 'y', { name = 'z', towards = 'x' }]",
            "axes = 5",
        ],
    )
    def test_so_is_one_of_a_volume(self, write: Write, caplog: pytest.LogCaptureFixture, line: str) -> None:
        assert load_volume(write("volumes/v", line), "v") == Volume("v")
        assert repr(line.split(maxsplit=1)[0]) in caplog.text

    def test_a_file_that_is_no_toml_is_told_and_left_out(self, write: Write, caplog: pytest.LogCaptureFixture) -> None:
        assert load_volume(write("volumes/v", "layers = ["), "v") == Volume("v")
        assert "volumes/v.toml cannot be read" in caplog.text

    @pytest.mark.parametrize("name", ["../datastacks/ds", "/etc/passwd", "", ".", "a/b", "a\0b"])
    def test_names_never_lead_out_of_the_folder(self, write: Write, name: str) -> None:
        folder = write("datastacks/ds", 'transform = "minnie65"')
        (folder / "volumes").mkdir()
        assert load_volume(folder, name).transform == "identity"


def test_the_order_of_rows_of_a_type_table(write: Write) -> None:
    given = write("datastacks/ordered", '[type_order.hierarchy]\nsystem = ["cell_type", "super_class"]\n')
    assert load_profile(given, "ordered", "none").type_order == {"hierarchy": ("system", ("cell_type", "super_class"))}


@pytest.mark.parametrize("order", ['"newest"', '{ a = ["x"], b = ["y"] }', '{ a = "x" }', "[1]"])
def test_an_order_that_cannot_be_used_is_left_out(write: Write, order: str, caplog: pytest.LogCaptureFixture) -> None:
    name = f"odd{abs(hash(order))}"
    given = write(f"datastacks/{name}", f"title = 'T'\n[type_order]\nhierarchy = {order}\n")
    profile = load_profile(given, name, "none")
    assert profile.type_order == {} and profile.title == "T"
    assert "type_order" in caplog.text
