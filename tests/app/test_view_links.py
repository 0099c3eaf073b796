"""The link of all rows of a view, which is made once."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import flask

from services.cave.client import Cave
from services.core.settings import Settings
from services.views.addresses import TableAddress
from services.views.table_opening import held, open_view
from tests.app.test_links import DATASTACK, TYPES, uploaded
from tests.servers import start_localcave


def test_the_link_of_a_whole_view_is_made_once(small_cortex: Path, tmp_path: Path) -> None:
    """As long as its state is there."""
    with start_localcave([small_cortex]) as url:
        cave = Cave(Settings(server_address=url, cache=str(tmp_path)))
        views = [
            held(open_view(cave, TableAddress(DATASTACK, table=TYPES, where=where))) for where in ("", "", "id > 9")
        ]
        (first, subject), second, filtered = (view.chosen_link([], None) for view in views)
        assert subject == f"{len(views[0].table.frame):,} rows"
        assert uploaded(first) == views[0].link(views[0].table.frame).state
        before = cave.counts["requests"]
        assert views[1].chosen_link([], None)[0] is second[0] is first
        assert cave.counts["requests"] == before + 1  # whether its state is still there
        ticked, _ = views[0].chosen_link([str(views[0].table.frame["id"].iloc[0])], None)
        assert len({first.url, filtered[0].url, ticked.url}) == 3
        urllib.request.urlopen(urllib.request.Request(f"{url}/reset", method="POST")).close()
        again, _ = views[0].chosen_link([], None)
        assert uploaded(again) == views[0].link(views[0].table.frame).state


def test_the_link_of_a_whole_view_names_the_host_of_each_request(small_cortex: Path, tmp_path: Path) -> None:
    with start_localcave([small_cortex]) as url:
        cave = Cave(Settings(server_address=url, cache=str(tmp_path), same_host=True))
        view = held(open_view(cave, TableAddress(DATASTACK, table=TYPES)))
        hosts = ["karst.example", "10.0.0.7", "karst.example"]
        links = []
        for host in hosts:
            with flask.Flask("karst").test_request_context(base_url=f"http://{host}"):
                links.append(view.chosen_link([], None)[0])
        assert [host in link.url for host, link in zip(hosts, links, strict=True)] == [True] * 3
        assert links[0] is links[2] is not links[1]


def test_a_view_s_link_that_could_not_be_short_is_tried_again(small_cortex: Path, tmp_path: Path) -> None:
    with start_localcave([small_cortex]) as url:
        cave = Cave(Settings(server_address=url, cache=str(tmp_path)))
        view = held(open_view(cave, TableAddress(DATASTACK, table=TYPES, where="id <= 50")))
    links = [view.chosen_link([], None)[0] for _ in range(2)]
    assert all("A short link could not be had" in link.description for link in links)
    assert links[0] is not links[1]
