"""`python app.py --check` and `--scaffold`: what a datastack is to Karst, and a profile that does not fit it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from app import main
from services.cave.client import Cave
from services.cave.release import Release
from services.cells import connectivity, partner_columns, partner_table
from services.cells.partner_table import PartnerOptions
from services.core.errors import BadInput
from services.core.settings import Settings
from services.views import datastack_check
from tests.servers import ROOT


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A copy of the shipped configuration."""
    return Path(shutil.copytree(ROOT / "config", tmp_path / "config"))


def checked(url: str, config: Path, datastack: str, profile: str | None = None) -> datastack_check.Checked:
    if profile is not None:
        (config / "datastacks" / f"{datastack}.toml").write_text(profile)
    return datastack_check.check(Cave(Settings(server_address=url, cache="", config_dir=config)), datastack)


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(siblings_url: str, config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """What `python app.py` with some words ends with, writes and complains of, in this process."""
    for name, value in environ_of(siblings_url, config).items():
        monkeypatch.setenv(name, value)

    def ended(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        return main(words), *capsys.readouterr()

    return ended


def environ_of(url: str, config: Path) -> dict[str, str]:
    return {"CAVE_SERVER_ADDRESS": url, "KARST_CONFIG": str(config), "KARST_CACHE": str(config / "c")}


def test_each_role_of_the_fly_and_what_the_pages_can_do(siblings_url: str, config: Path) -> None:
    sentence = checked(siblings_url, config, "karst_fly")
    assert sentence.faults == ()
    for message in (
        "synapses_nt_v1                            named by CAVE's info record (synapse_table)",
        "proofread_neurons                         the only table of schema type proofreading_boolstatus_user",
        "column neuropil; 38,023 rows",
        "synapses at the mean of pre_pt_position and post_pt_position, with connection_score, cleft_score, gaba",
        "counted where cleft_score >= 50",
        "not known: representative points, compartments, shares of the partners, tuning",
        "no depth, so none is shown",
    ):
        assert message in sentence.text
    assert "depth along v1dd" in checked(siblings_url, config, "karst_v1dd").text


def test_the_cortex_fits_its_profile(localcave_url: str, config: Path) -> None:
    message = checked(localcave_url, config, "karst_demo")
    assert message.faults == ()
    assert "synapse_target_predictions_ssa" in message.text


@pytest.mark.parametrize(
    ("profile", "fault"),
    [
        ('[roles]\nsynapses = "synapses_v9"\n', "The profile names synapses_v9, which this version does not have."),
        ('[roles]\nsynapse = "synapses_nt_v1"\n', "'synapse' is no role; roles are synapses, somata"),
        ("[roles]\nsynapses = 5\n", "synapses must be the name of a table"),
        ('[roles]\nsynapses = { table = "a", colum = "x" }\n', "'colum' is no key of a role; keys are table, column"),
        ('[roles]\nsomata = { table = "nuclei_v1", where = "volume > 9" }\n', "somata has no where: only edges has"),
        ('[roles]\nsynapses = "nuclei_v1"\n', "nuclei_v1 has no presynaptic and postsynaptic root ids and positions"),
        (
            '[roles]\nneuropils = { table = "fly_synapses_neuropil", column = "region" }\n',
            "has no column region; it has",
        ),
        (
            '[roles]\ncell_types = { table = "hierarchical_neuron_annotations", system = "class" }\n',
            "has no row of the system class",
        ),
        (
            '[roles]\nneuropils = { table = "fly_synapses_neuropil", column = "target_id" }\n',
            "fly_synapses_neuropil, named for neuropils, has no names in target_id.",
        ),
        (
            '[roles]\ncell_types = { table = "hierarchical_neuron_annotations", column = "user_id" }\n',
            "hierarchical_neuron_annotations, named for cell types, has no names in user_id.",
        ),
        (
            '[roles]\nedges = { table = "valid_connection_v2", column = "pre_pt_root_id" }\n',
            "valid_connection_v2 has no numbers of synapses in pre_pt_root_id",
        ),
        ('[roles]\nedges = "nuclei_v1"\n', "nuclei_v1 has no columns of two root ids and a number of synapses"),
        ('[roles]\ndegrees = "valid_connection_v2"\n', "degrees, has no column root_id and no n_input and no n_output"),
        ('[roles]\nproofreading = "valid_connection_v2"\n', "named for proofreading, has no column pt_root_id"),
        (
            '[roles]\nproofreading = "nuclei_v1"\n',
            "nuclei_v1, named for proofreading, has no column proofread or status",
        ),
        (
            '[roles]\nproofreading = { table = "proofread_neurons", column = "user_id" }\n',
            "in user_id, which does not tell whether a cell is proofread",
        ),
        (
            '[roles]\nneurotransmitters = "fly_synapses_neuropil"\n',
            "fly_synapses_neuropil, named for neurotransmitters, has no probabilities of transmitters",
        ),
        ('[roles]\ncoregistration = "nuclei_v1"\n', "of schema type nucleus_detection, which says nothing about coreg"),
        (
            '[roles]\nsomata = "hierarchical_neuron_annotations"\n',
            "so its ids are not nucleus ids",
        ),
        ('[roles]\nsomata = "proofread_neurons"\n', "proofread_neurons, named for somata, is of schema type"),
        (
            '[roles]\ncell_types = "nuclei_v1"\n',
            "nucleus_detection, which says nothing about cell types",
        ),
        ('synapse_filter = "size > 5"\n', "This table has no column 'size'"),
        ('type_tables = ["types_v9"]\n', "type_tables names types_v9, which this version does not have"),
        ("[roles\n", "cannot be read and is left out"),
        ('titel = "x"\n', "there is no key 'titel'; did you mean 'title'?"),
    ],
)
def test_a_profile_that_does_not_fit_is_told(siblings_url: str, config: Path, profile: str, fault: str) -> None:
    message = checked(siblings_url, config, "karst_fly", profile)
    assert [one for one in message.faults if fault in one], message.faults
    assert fault.split(";", maxsplit=1)[0] in " ".join(message.text.split())


def test_the_command_ends_as_it_found_and_its_scaffold_fits(siblings_url: str, config: Path, run: Run) -> None:
    status, out, err = run("--check", "karst_v1dd")
    assert (status, "Faults" in out) == (0, False), err
    path = config / "datastacks" / "karst_fly.toml"
    path.write_text('[roles]\nsomata = "nuclei_v9"\n')
    command, environ = [sys.executable, "app.py", "--check", "karst_fly"], os.environ | environ_of(siblings_url, config)
    bad = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False, env=environ)
    assert bad.returncode == 1
    assert "- The profile names nuclei_v9, which this version does not have." in bad.stdout
    path.unlink()
    assert run("--scaffold", "karst_fly")[0] == 0
    text = path.read_text()
    status, _, err = run("--scaffold", "karst_fly")
    assert (status, "is there already" in err, path.read_text()) == (2, True, text)
    assert tomllib.loads(text) == {"title": "karst_fly"}
    # without its #, all of it is right
    path.write_text(re.sub(r"(?m)^# (?=[a-z_]+ = |\[)", "", text))
    assert tomllib.loads(path.read_text())["roles"]["edges"] == "valid_connection_v2"
    another = Path(shutil.copytree(config, config.with_name("another")))  # a profile is read once
    assert checked(siblings_url, another, "karst_fly").faults == ()
    status, out, err = run("--check", "karst_flea")
    assert (status, out) == (2, "")
    assert "karst_flea" in err


@pytest.mark.parametrize("text", ["two\r\nlines", 'a "word" \\ C:\\n', "tab\tand \x07 bell", "\x7f\x85\u2028 µ😀"])
def test_any_description_is_one_line_of_toml(text: str) -> None:
    (value,) = tomllib.loads(f"text = {datastack_check.quoted(text)}").values()
    assert value == " ".join(text.replace("\x7f", " ").split())


@pytest.mark.parametrize(
    ("role", "table", "more"),
    [
        ("degrees", "valid_connection_v2", "share"),
        ("neuropils", "nuclei_v1", "neuropils"),
        ("representative_points", "valid_connection_v2", "points"),
    ],
)
def test_what_is_a_fault_is_neither_called_shown_nor_read(
    siblings_url: str, config: Path, role: str, table: str, more: str
) -> None:
    message = checked(siblings_url, config, "karst_fly", f'[roles]\n{role} = "{table}"\n')
    (fault,) = message.faults
    words = {"degrees": "shares of the partners"}.get(role, role.replace("_", " "))
    (unknown,) = [line for line in message.text.splitlines() if "not known: " in line]
    assert words in unknown and f"{table}, named for {role.replace('_', ' ')}, " in fault
    cave = Cave(Settings(server_address=siblings_url, cache="", config_dir=config))
    release = Release.of(cave, "karst_fly", 783)
    root = int(release.query("proofread_neurons", limit=1)["pt_root_id"].iloc[0])
    connections = connectivity.read(release, root)
    assert fault in connections.warnings and more not in partner_columns.offered(release, "")
    with pytest.raises(BadInput, match=re.escape(fault)):
        partner_table.open_partners(cave, connections, PartnerOptions("in", more=(more,)))
