"""Lessons and figures are offered where their tables are."""

from __future__ import annotations

import flask
import pytest

from callbacks import gallery, lessons
from services.cave.client import Cave
from services.cave.release import Release
from services.cells import proofreading
from services.core.settings import Settings
from services.gallery import files as figures
from services.lessons import files
from services.populations import population, sets
from services.views.offered import named


@pytest.mark.parametrize(("fixture", "datastack"), [("localcave_url", "karst_demo"), ("siblings_url", "karst_fly")])
def test_those_without_tables_are_counted(request: pytest.FixtureRequest, fixture: str, datastack: str) -> None:
    app = flask.Flask("test_offered")
    app.extensions["karst"] = Cave(
        Settings(server_address=request.getfixturevalue(fixture), cache="", datastack=datastack)
    )
    there, every = datastack == "karst_demo", files.lessons()[0]
    with app.test_request_context():
        listed = str(lessons.list_lessons(None, [], ""))
        shown = str(gallery.list_figures({"figure": "", "version": ""}))
    for titles, words, what in ((every, listed, "lessons"), (figures.figures(), shown, "figures")):
        assert all((f"'{one.title}'" in words) == there for one in titles)
        assert (f"{len(titles)} {what} are of tables that {datastack} does not have." in words) != there
    assert "0 of 0 done" not in listed


def test_the_tables_of_an_address() -> None:
    assert named("/populations?pre_table=a&post_by=b.c&panel=x&types=d&filter=table%3De") == {"a", "b", "d"}
    assert named("/connectivity-viewer?cell=5") == set()


def test_whole_cells_are_proofread_not_their_axons(siblings_url: str, fly) -> None:
    release = Release.of(Cave(Settings(server_address=siblings_url, cache="")), "karst_fly", 783)
    rows = fly["proofread_neurons"]
    text = " ".join(map(str, rows["pt_root_id"].head(40)))
    left = rows.head(40).loc[~rows["proofread"].head(40), "pt_root_id"].nunique()
    whole = sets.resolve(release, text)
    kept = sets.proofread_only(release, whole, "axon")
    assert 0 < left == len(whole) - len(kept)
    assert kept.notes[-1] == f"{left} of {len(whole)} cells left out: not proofread."
    assert proofreading.concerns_whole_cells(release)
    assert whole.of_whole_cells and whole.num_axons == whole.num_dendrites == len(kept)
    pair = population.choose(release, text, text)
    assert "axon" not in " ".join(pair.requested[0].notes)
