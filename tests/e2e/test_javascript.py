"""The scripts of `assets/` by themselves, in a page that holds nothing but what they work on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.servers import ROOT

pytestmark = pytest.mark.browser

SITE = "http://karst.test"
KEPT = "no update"

Load = Callable[..., Page]


@pytest.fixture(scope="module")
def blank(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    page.route(f"{SITE}/**", lambda route: route.fulfill(body="<!doctype html><main></main>", content_type="text/html"))
    yield page
    page.close()


@pytest.fixture
def load(blank: Page) -> Load:
    """Open an address with some HTML and some of the scripts."""

    def opened(*scripts: str, html: str = "", at: str = "/table-viewer") -> Page:
        blank.goto(SITE + at)
        blank.evaluate("html => { document.querySelector('main').innerHTML = html; }", html)
        blank.evaluate("kept => { window.dash_clientside = {no_update: kept, set_props() {}}; }", KEPT)
        for script in scripts:
            blank.add_script_tag(path=ROOT / "assets" / script)
        return blank

    return opened


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_numbers_have_the_decimals_of_their_column(load: Load) -> None:
    page = load("dashAgGridFunctions.js")
    values: dict[Any, str] = {0: "0", 1234567: f"{1234567:,}", 1234.5678: f"{1234.5678:,.2f}", -0.00123456: "-0.001235"}
    values |= {None: "", 0.5: "0.50", -2: "-2"}
    numbers = "([values, decimals]) => values.map((value) => dashAgGridFunctions.number(value, decimals))"
    assert page.evaluate(numbers, [[*values], 0]) == [*values.values()]
    assert page.evaluate(numbers, [[297, 57.49, 0, 1e-9], 2]) == ["297.00", "57.49", "0.00", "0.000000001"]
    assert page.evaluate(numbers, [[2, 0.00123456], 4]) == ["2.0000", "0.0012"]


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("cel", ["cell_type"]),
        ("type", ["cell_type"]),
        ("cell_type ", ["=", "in ("]),
        ("cell_type = ", ["BC", "23P"]),
        ("cell_type in (BC, 2", ["23P"]),
        ("cell_type = BC a", ["and"]),
        ("cell_type = BC and v", ["volume"]),
        ("volume > 3 or no", ["not"]),
        ("cell_type = BC", []),
        ('cell_type = "BC and v', []),
    ],
)
def test_the_query_line_offers_what_fits_the_word_that_is_typed(load: Load, line: str, offers: list[str]) -> None:
    words = {
        "cell_type": {"operators": ["=", "in ("], "values": ["BC", "23P"]},
        "volume": {"operators": ["=", ">"], "values": []},
    }
    page = load(
        "complete.js",
        html=f"""<div class="k-completed"><input id="line"><ul id="line-offers" hidden></ul>
        <div id="line-words" data-words='{json.dumps(words)}'></div></div>""",
    )
    page.locator("#line").press_sequentially(line)
    assert page.locator("#line-offers:not([hidden]) li").all_inner_texts() == offers
    if offers:
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        assert offers[0] in page.locator("#line").input_value()


def test_another_block_of_the_same_rows_changes_nothing(load: Load) -> None:
    page = load("grids.js")
    filters = {"x": {"filter": "> 3"}}
    columns = [
        {"colId": "x", "sort": "asc", "sortIndex": 1},
        {"colId": "y"},
        {"colId": "z", "sort": "desc", "sortIndex": 0},
    ]
    page.evaluate(
        """([filters, columns]) => {
            const grid = {getFilterModel: () => filters, getColumnState: () => columns};
            window.dash_ag_grid = {getApi: ({of}) => of === "b" && grid};
        }""",
        [filters, columns],
    )
    shown = "([requests, ...held]) => dash_clientside.grids.shown(requests, [], [], [{of: 'a'}, {of: 'b'}], ...held)"
    request = {"startRow": 100, "endRow": 200, "filterModel": {}, "sortModel": []}  # of before the box was typed in
    order = [{"colId": "z", "sort": "desc"}, {"colId": "x", "sort": "asc"}]
    known = {"of": "b", "filterModel": filters, "sortModel": order}
    assert page.evaluate(shown, [[None, request], None, None]) == [known, 1]
    assert page.evaluate(shown, [[None, request], known, 1]) == [KEPT, KEPT]
    assert page.evaluate(shown, [[None, None], known, 1]) == [KEPT, KEPT]
    ids = [str(2**63 - 1), str(2**63 - 2)]
    ticked = "([rows, before]) => dash_clientside.grids.selected(rows, [{key: 'id'}], before)"
    assert page.evaluate(ticked, [[[{"id": one} for one in ids]], None]) == ids
    assert page.evaluate(ticked, [[None], []]) == KEPT


def test_only_the_panel_in_front_hears_of_rows_once_they_are_there(load: Load) -> None:
    page = load("grids.js")
    front = "([tab, there]) => dash_clientside.grids.front('rows', tab, there, [{panel: 'plot'}, {panel: '3d'}])"
    assert page.evaluate(front, ["3d", 1]) == [KEPT, "rows"]
    assert page.evaluate(front, ["columns", 1]) == [KEPT, KEPT]
    assert page.evaluate(front, ["3d", None]) == [KEPT, KEPT]


def test_a_long_link_is_shortened_as_it_is_pasted(load: Load) -> None:
    page = load("paste.js", html='<input id="cell-id"><input id="other">')
    layers = [
        {"type": "segmentation_with_graph", "name": "s", "source": "x", "segments": ["1", "!2", str(2**63 - 1)]},
        {"type": "annotation", "name": "a", "annotations": [{"point": [n, n, n]} for n in range(500)]},
    ]
    link = f"https://viewer.example/#!{quote(json.dumps({'layers': layers, 'position': [1, 2, 3]}))}"
    paste = """([id, text]) => {
        const data = new DataTransfer();
        data.setData("text", text);
        document.getElementById(id).dispatchEvent(
            new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
        return document.getElementById(id).value;
    }"""
    short = page.evaluate(paste, ["cell-id", link])
    assert len(short) < 500 < len(link)
    state = json.loads(unquote(short.partition("#!")[2]))
    assert [layer["segments"] for layer in state["layers"]] == [["1", str(2**63 - 1)]]
    assert state["position"] == [1, 2, 3]
    # a box that takes no links, and text that is no link, are the browser's own business
    assert page.evaluate(paste, ["other", link]) == ""
    page.locator("#cell-id").fill("")
    assert page.evaluate(paste, ["cell-id", "864691135808473885"]) == ""


class TestNavigation:
    OF = "?table=t&columns=a&columns=b&f.a=1"
    LINK = '<div data-of="/table-viewer{of}"><a href="/table-viewer{to}">link</a></div>'

    FAST = (
        "() => { const wait = setTimeout; window.setTimeout = (then, ms) => wait(then, ms / 100); return Date.now(); }"
    )
    """A hundred times."""

    def page(self, load: Load, to: str, html: str = "", at: str = OF) -> Page:
        return load("navigation.js", html=self.LINK.format(of=self.OF, to=to) + html, at=f"/table-viewer{at}")

    def test_a_link_changes_what_it_changes_of_the_view_it_was_drawn_for(self, load: Load) -> None:
        page = self.page(load, "?table=t&columns=a&columns=b&where=x", at="?table=t&columns=a&f.a=1&f.b=2")
        page.get_by_role("link").click()
        assert query(page) == {"table": ["t"], "columns": ["a"], "f.b": ["2"], "where": ["x"]}

    def test_a_link_waits_for_the_address_of_what_was_just_changed(self, load: Load) -> None:
        page = self.page(load, f"{self.OF}&where=x")
        page.evaluate("dash_clientside.navigation.requested({}, 'columns', ['a'])")
        page.get_by_role("link").click()
        assert "where" not in query(page)
        page.evaluate("dash_clientside.navigation.answered('/table-viewer?table=t&columns=a&f.a=1')")
        page.wait_for_url("**where=x")
        assert query(page)["columns"] == ["a"]

    def test_an_address_that_comes_after_one_has_gone_on_is_not_written(self, load: Load) -> None:
        page = self.page(load, "?table=t", html='<a href="/table-viewer?table=u" id="away">away</a>')
        page.evaluate("dash_clientside.navigation.requested({}, 'columns', ['a'])")
        page.locator("#away").click()
        page.evaluate("dash_clientside.navigation.answered('/table-viewer?table=t&columns=a')")
        assert query(page) == {"table": ["u"]}

    def test_a_link_that_is_drawn_anew_while_it_is_pressed_is_followed(self, load: Load) -> None:
        page = self.page(load, "?table=u")
        page.get_by_role("link").hover()
        page.mouse.down()
        page.evaluate(
            "document.querySelector('[data-of]').replaceWith(document.querySelector('[data-of]').cloneNode(true))"
        )
        page.mouse.up()
        page.wait_for_url("**table=u*")
        page.mouse.move(1, 1)
        page.mouse.down()
        page.mouse.up()  # which is of no link
        assert query(page)["table"] == ["u"]

    @pytest.mark.parametrize("at", [1, 2])  # the new page is drawn before or after the answer comes
    def test_what_a_page_that_is_left_still_says_is_not_written(self, load: Load, at: int) -> None:
        page = self.page(load, "?table=t", html='<a href="/table-viewer?table=u" id="away">away</a>')
        page.locator("#away").click()
        page.wait_for_url("**table=u")
        steps = ["requested({}, 'columns', ['a'])", "answered('/table-viewer?table=t&columns=a')"]
        steps.insert(at, "arrived()")
        for step in steps:
            page.evaluate(f"dash_clientside.navigation.{step}")
        assert query(page) == {"table": ["u"]}
        page.evaluate("dash_clientside.navigation.requested({}, 'columns', ['a'])")
        page.evaluate("dash_clientside.navigation.answered('/table-viewer?table=u&columns=a')")
        assert query(page) == {"table": ["u"], "columns": ["a"]}

    def test_an_address_comes_with_its_page_or_is_asked_for(self, load: Load) -> None:
        page = self.page(load, "?table=t", html='<a href="/table-viewer?table=u" id="away">away</a>')
        page.locator("#away").click()
        page.wait_for_url("**table=u")
        page.evaluate(
            "dash_clientside.navigation.remember('/table-viewer?table=t&columns=a')"
        )  # of the page that is left
        page.evaluate("dash_clientside.navigation.arrived()")
        page.evaluate("dash_clientside.navigation.answered('/table-viewer?table=t&columns=a')")
        assert query(page) == {"table": ["u"]}
        page.evaluate("dash_clientside.navigation.remember('/table-viewer?table=u&columns=a')")
        assert query(page) == {"table": ["u"], "columns": ["a"]}

    def test_an_answer_that_never_comes_holds_nobody_for_long(self, load: Load) -> None:
        page = self.page(load, f"{self.OF}&where=x")
        page.evaluate("dash_clientside.navigation.requested({}, 'columns', ['a'])")
        page.evaluate("document.body.classList.add('k-lost')")  # it comes with Retry, however late that is
        started = page.evaluate(self.FAST)
        page.get_by_role("link").click()
        page.wait_for_function(f"() => Date.now() - {started} > 200")
        assert "where" not in query(page)
        page.evaluate("document.body.classList.remove('k-lost')")
        page.wait_for_url("**where=x")
        assert query(page) == {"table": ["t"], "columns": ["a", "b"], "f.a": ["1"], "where": ["x"]}

    @pytest.mark.parametrize("known", ["null, 'columns', []", "{}, null, []", "{}, 'columns', null", "[null], 'in'"])
    def test_nothing_is_waited_for_while_nothing_is_shown(self, load: Load, known: str) -> None:
        page = self.page(load, f"{self.OF}&where=x")
        page.evaluate(f"dash_clientside.navigation.requested({known})")
        page.get_by_role("link").click()
        page.wait_for_url("**where=x", timeout=3_000)
        assert query(page) == {"table": ["t"], "columns": ["a", "b"], "f.a": ["1"], "where": ["x"]}

    def test_a_form_keeps_what_is_typed_in_another_one(self, load: Load) -> None:
        form = '<form data-view action="/table-viewer"><input type="text" name="{0}" id="{0}"></form>'
        page = self.page(load, "", html=form.format("where") + form.format("q"), at="?table=t&q=old")
        page.locator("#where").fill("volume > 3")
        page.locator("#q").fill(" new ")
        page.keyboard.press("Enter")
        page.wait_for_url("**q=new**")
        assert query(page) == {"table": ["t"], "where": ["volume > 3"], "q": ["new"]}

    def test_another_datastack_is_opened_with_nothing_of_this_one_but_what_was_typed(self, load: Load) -> None:
        choice = '<select name="datastack"><option>a</option><option>b</option></select>'
        boxes = '<input type="text" name="where" id="where" value="x = 1"><input type="text" name="q" id="q">'
        form = f'<form data-view action="/table-viewer">{choice}{boxes}</form>'
        page = self.page(load, "", html=form, at="?datastack=a&table=t&where=x = 1")
        page.locator("#q").fill("typed")
        page.locator("select").select_option("b")
        page.wait_for_url("**datastack=b**")
        assert query(page) == {"datastack": ["b"], "q": ["typed"]}

    def test_links_elsewhere_are_the_browsers(self, load: Load) -> None:
        page = self.page(load, "", html='<a href="/api/v1/x">api</a><a href="#there">there</a>')
        page.get_by_text("there").click()
        assert page.url.endswith("#there")
        page.get_by_text("api").click()
        expect(page).to_have_url(f"{SITE}/api/v1/x")
        assert page.evaluate("typeof window.karst") == "undefined"  # the page was left


def test_what_takes_long_says_how_long_and_can_be_left(load: Load) -> None:
    page = load("progress.js", html="<div class='k-loading' role='status'>Reading…</div>", at="/first")
    page = load("progress.js", html="<div class='k-loading' role='status'>Reading…</div>", at="/second")
    expect(page.locator(".k-elapsed")).to_have_text("2 s")
    expect(page.locator(".k-elapsed")).to_have_text("3 s")
    cancel = page.get_by_role("button", name="Cancel")
    meaning = "Goes back. The server finishes what it has begun, and keeps the answer for next time."
    expect(cancel).to_have_attribute("data-help", meaning)
    cancel.click()
    page.wait_for_url("**/first")


def test_sets_of_cells_are_combined_kept_and_brought_back(load: Load) -> None:
    page = load("memory.js", at="/table-viewer?datastack=demo")
    page.evaluate("localStorage.clear()")
    one, other = ["864691135000000001", "864691135000000003", "5"], ["5", "864691135000000003", "9"]
    assert page.evaluate("text => karst.memory.collect(text)", f"[{', '.join(one)}] {one[0]} 0 x7") == 3
    page.evaluate("text => karst.memory.collect(text, 'Others')", "\n".join(other))
    for how in ("union", "intersection", "difference"):
        page.evaluate("how => karst.memory.combine(how, karst.memory.stored().sets.slice(0, 2))", how)
    page = load("memory.js")  # another page
    sets = page.evaluate("karst.memory.stored().sets")
    assert [one["ids"] for one in sets] == [one, other, [*one, "9"], one[1:], one[:1]]
    assert {one["datastack"] for one in sets} == {"demo"}
    page.evaluate("karst.memory.rename(1, 'Cells')")
    assert page.evaluate("karst.memory.stored().sets[1].name") == "Cells 2"
    page.evaluate("karst.memory.remove('sets', 0)")
    assert len(page.evaluate("karst.memory.stored().sets")) == 4
    page.evaluate("karst.memory.undo()")
    assert page.evaluate("karst.memory.stored().sets[0].ids") == one
    page.evaluate("localStorage.clear()")


def test_code_that_could_not_be_loaded_is_asked_for_anew(load: Load) -> None:
    """A failure once stayed for as long as the page."""
    page = load("code.js")
    requested: list[str] = []

    def answer(route: Route) -> None:
        requested.append(route.request.url)
        if len(requested) == 1:
            route.abort()
        else:
            route.fulfill(body="window.drawn = (window.drawn || 0) + 1;", content_type="text/javascript")

    page.route("**/large.js", answer)
    tried = "() => karst.load('/large.js').then(() => window.drawn, (error) => error.message)"
    assert page.evaluate(tried) == "/large.js could not be loaded"
    assert page.evaluate(tried) == 1
    assert page.evaluate(tried) == 1
    assert len(requested) == 2
    page.unroute("**/large.js")
