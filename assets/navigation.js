// The address is the one source of truth: forms and links of a page change it, Dash draws the page it names.
(function () {
    "use strict";
    const PUSHED = "_dashprivate_pushstate"; // what dcc.Location listens to
    let drawn = location.pathname + location.search; // the address Dash last drew a page for
    let shown = drawn; // the address of what is shown now
    let written = 0; // how often that was written since the page was drawn
    let typedAt = 0; // when what a person typed last became an entry in the history; 0 = something else came after it
    let acted = ""; // what a person did since then: "typed", else "chose"; "" = nothing
    let leaving = null; // where the focus was when the page was left
    let first = true;
    let journeys = 0; // how often another address was gone to
    let underway = false; // it is not drawn yet: what the page that is left still says is not of that address
    let pending = null; // since what is shown has changed, until the server has said the address of that

    const TYPED_IN = "input:not([type=checkbox]):not([type=radio]), textarea";
    const TYPING_MS = 2000; // what is typed without a longer pause is one entry in the history
    const PATIENCE_MS = 5000; // the server may not answer; the way is then taken from the address as it is
    const STEP_MS = 250;
    const DEBOUNCE_MS = 350; // how long a grid waits for more to be typed in its boxes (components/grid.py)
    const HEARD_MS = 2000; // by then it has said what it shows, or it is the same as before
    let boxTypedAt = 0; // when something was typed that is not known to be shown yet

    // Waits until the address is that of what is shown, so that a change just made is not lost on the way. An answer
    // that was lost comes after Retry, however late that is.
    async function settled() {
        const isTyping = () => Date.now() < boxTypedAt + HEARD_MS;
        for (let left_ms = PATIENCE_MS; (pending || isTyping()) && left_ms > 0; left_ms -= STEP_MS) {
            if (document.body.classList.contains("k-lost")) left_ms = PATIENCE_MS;
            const step = new Promise((resolve) => setTimeout(resolve, STEP_MS));
            await (isTyping() ? step : Promise.race([pending.done, step]));
        }
    }

    // The same, on the way to another address: false when another page was gone to meanwhile.
    async function isStillHere() {
        const path = location.pathname;
        await settled();
        return location.pathname === path;
    }

    function go(href, staying = false) {
        journeys += 1;
        const to = new URL(href, location.href);
        const address = to.pathname + to.search;
        leaving = {path: location.pathname, id: document.activeElement && document.activeElement.id};
        if (address === location.pathname + location.search) {
            [written, acted] = [0, ""];
            dash_clientside.set_props("reload", {data: Date.now()});
        } else if (address === drawn) {
            location.assign(address); // Dash thinks it is there already and would not draw it
        } else {
            history.pushState({}, "", address);
            arriveAt(address);
            window.dispatchEvent(new CustomEvent(PUSHED));
            if (!staying) window.scrollTo(0, 0);
        }
    }

    function arriveAt(address) {
        drawn = shown = address;
        underway = true;
        [written, acted, typedAt, boxTypedAt] = [0, "", 0, 0]; // what is done on another page is no more of what was typed on the last
    }

    async function submit(form) {
        const to = new URL(form.getAttribute("action") || location.pathname, location.href);
        const fields = [...typedElsewhere(form), ...new FormData(form)];
        if (!(await isStillHere())) return;
        const params = new URLSearchParams(to.pathname === location.pathname ? location.search : "");
        to.search = "left" in form.dataset ? elsewhere(form.dataset.left, fields) : within(params, fields);
        go(to.href);
    }

    function within(params, fields) {
        for (const [name, value] of fields) {
            if (name === "filters_in" && params.has(name)) continue; // the address has still the filter as it was
            if (value.trim()) params.set(name, value.trim());
            else params.delete(name);
        }
        return params.toString();
    }

    // Another datastack has versions, tables and cells of its own: of what was shown of the one that is left (with the
    // address `search`) nothing goes along, but what was typed and not sent yet does.
    function elsewhere(search, fields) {
        const left = new URLSearchParams(search);
        const boxes = [...document.querySelectorAll("form[data-view] input[name]")].filter((box) => box.type === "text");
        const isTyped = (name, value) =>
            boxes.some((box) => box.name === name) && value !== (left.get(name) || "").trim();
        const kept = fields
            .map(([name, value]) => [name, value.trim()])
            .filter(([name, value]) => value && (name === "datastack" || isTyped(name, value)));
        return new URLSearchParams(kept).toString();
    }

    // What was typed in other forms of the same page and not sent yet counts too, else it would be lost.
    function typedElsewhere(form) {
        return [...document.querySelectorAll("form[data-view] input[name]")]
            .filter((input) => input.type === "text" && input.form !== form && input.form.action === form.action)
            .map((input) => [input.name, input.value]);
    }

    document.addEventListener("submit", (event) => {
        if (!event.target.matches("form[data-view]")) return;
        event.preventDefault();
        submit(event.target);
    });

    // What is searched for is looked up in the datastack and version that are shown.
    document.addEventListener("submit", (event) => {
        if (!event.target.matches(".k-search")) return;
        event.preventDefault();
        const shown = new URLSearchParams(location.search);
        const fields = new URLSearchParams(new FormData(event.target));
        for (const name of ["datastack", "version"]) if (shown.get(name)) fields.set(name, shown.get(name));
        location.assign(`${event.target.getAttribute("action")}?${fields}`);
    });

    // A choice from a list counts at once, so that controls and results never disagree.
    document.addEventListener("change", (event) => {
        const form = event.target.matches("select") && event.target.closest("form[data-view]");
        if (!form) return;
        if (event.target.name === "datastack" && !("left" in form.dataset)) form.dataset.left = location.search;
        setTimeout(() => submit(form), 0); // after Dash has heard of the change
    });

    // Typed text counts on Enter; until then the results are of the earlier text, and look it.
    document.addEventListener("input", (event) => {
        if (event.target.matches("form[data-view] input")) document.body.classList.toggle("k-edited", isEdited());
    });

    function isEdited() {
        const params = new URLSearchParams(location.search);
        return [...document.querySelectorAll("form[data-view] input[name]:not([type=hidden])")].some(
            (input) => input.value.trim() !== (params.get(input.name) || "").trim()
        );
    }

    const linkAt = ({target}) => target.closest && target.closest("a[href]");

    // What a click with nothing held down leads to, if that is a page.
    async function lead(link, event) {
        if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        const elsewhere = link.origin !== location.origin || link.target || link.hasAttribute("download");
        if (elsewhere || link.hash || link.pathname.startsWith("/api/")) return;
        event.preventDefault();
        await follow(link.href, link);
    }

    document.addEventListener("click", (event) => lead(linkAt(event), event));

    // A link that is drawn anew while it is pressed gets no click.
    let pressed = null;
    document.addEventListener("pointerdown", (event) => (pressed = linkAt(event)), true);
    document.addEventListener("pointerup", (event) => pressed && !pressed.isConnected && lead(pressed, event), true);

    // A link that changes parts of the address leaves all else as it is shown now, filters typed since included. It names
    // them, or is in something drawn for an address of which it changes parts.
    async function follow(href, element) {
        const {keep, undo} = element.dataset;
        const drawnFor = element.closest("[data-of]");
        const to = new URL(href, location.href);
        const names = keep ? keep.split(" ") : drawnFor && differing(new URL(drawnFor.dataset.of, to), to);
        if (undo && (await isStillHere())) offerBack(undo);
        if (names && to.pathname === location.pathname) await change(names.map((name) => [name, to.searchParams.getAll(name)]), !!keep);
        else go(to.href);
    }

    function offerBack(words) {
        const before = location.href;
        karst.offerUndo(words, () => go(before));
    }

    function differing({searchParams: a}, {searchParams: b}) {
        const names = [...new Set([...a.keys(), ...b.keys()])];
        return names.filter((name) => JSON.stringify(a.getAll(name)) !== JSON.stringify(b.getAll(name)));
    }

    async function change(parts, staying = false) {
        if (await isStillHere()) go(changed(parts), staying);
    }

    const OF_TAB = /^(where|sort|f\..*)$/; // another tab has filters of its own

    function changed(parts) {
        const params = new URLSearchParams(location.search);
        const tab = params.get("tab");
        for (const [name, values] of parts) {
            params.delete(name);
            for (const value of values) params.append(name, value);
        }
        if (params.get("tab") !== tab) for (const name of [...params.keys()]) if (OF_TAB.test(name)) params.delete(name);
        return `${location.pathname}?${params}`;
    }

    // Writes the address of what is shown now. What a person changed since the page was drawn is a new entry in the
    // history; the address in full, and more of what is still being typed, are none.
    function remember(href) {
        if (underway || !href || new URL(href, location.href).pathname !== location.pathname) return;
        if (href !== location.pathname + location.search) {
            const isMore = acted === "typed" && Date.now() - typedAt < TYPING_MS;
            const isOwn = acted === "typed" || (written && acted);
            if (isOwn) typedAt = acted === "typed" ? Date.now() : 0;
            history[isOwn && !isMore ? "pushState" : "replaceState"]({}, "", href);
            acted = "";
        }
        written += 1;
        shown = href;
    }

    document.addEventListener("pointerdown", () => (acted = "chose"), true);
    document.addEventListener("keydown", () => (acted = acted || "chose"), true);
    document.addEventListener("input", (event) => (acted = event.target.matches(TYPED_IN) ? "typed" : "chose"), true);

    document.addEventListener("input", (event) => {
        if (event.target.closest(".ag-floating-filter")) boxTypedAt = Date.now();
    });

    // Space works a switch, as it does everywhere.
    document.addEventListener("keydown", (event) => {
        if (event.key !== " " || !event.target.matches("a[role=switch]")) return;
        event.preventDefault();
        event.target.click();
    });

    // Back undoes a filter, a tab or an order. Dash draws the page of any address but the one that it drew last, which
    // has to be loaded anew.
    window.addEventListener("popstate", () => {
        const address = location.pathname + location.search;
        if (address === shown) return; // another place of the same page
        leaving = null;
        journeys += 1;
        if (address === drawn) location.reload();
        arriveAt(address);
    });

    window.dash_clientside = Object.assign({}, window.dash_clientside, {
        navigation: {
            // Called when a page has been drawn: keeps the focus on the same control, else moves it to the heading.
            arrived: function () {
                underway = false;
                setTimeout(() => {
                    document.body.classList.remove("k-edited");
                    for (const form of document.querySelectorAll("form[data-left]")) delete form.dataset.left;
                    for (const link of document.querySelectorAll(".k-nav")) {
                        const here = link.pathname === location.pathname;
                        if (here) link.setAttribute("aria-current", "page");
                        else link.removeAttribute("aria-current");
                        if (here) link.parentElement.scrollLeft = link.offsetLeft - link.parentElement.offsetLeft;
                    }
                    if (first) {
                        first = false;
                        return;
                    }
                    const same = leaving && leaving.path === location.pathname && leaving.id;
                    const target = (same && document.getElementById(leaving.id)) || document.querySelector("main h1");
                    if (target) target.focus({preventScroll: true});
                }, 0);
            },
            // Leads to what is shown now, with the columns that are ticked.
            more: function (clicks, names) {
                if (clicks) change([["more", names || []]], true);
            },
            remember,
            // Called when what is shown has changed, of which the server is asked the address.
            requested: function (shown, ...controls) {
                const isKnown = [shown].flat().some(Boolean) && controls.every((value) => value != null);
                if (!isKnown) return;
                if (Date.now() >= boxTypedAt + DEBOUNCE_MS) boxTypedAt = 0;
                if (pending) pending.resolve();
                pending = {journeys: underway ? null : journeys};
                pending.done = new Promise((resolve) => (pending.resolve = resolve));
            },
            // Called with that address, which is no longer wanted where another was gone to meanwhile.
            answered: function (href) {
                if (!pending) return;
                if (pending.journeys === journeys) remember(href);
                pending.resolve();
                pending = null;
            },
        },
    });
    window.karst = Object.assign(window.karst || {}, {change, follow, settled});
})();
