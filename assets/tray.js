// The tray: what this browser keeps (see memory.js), and what can be done with it.
(function () {
    "use strict";
    const h = (tag, properties = {}, ...children) => {
        const element = Object.assign(document.createElement(tag), properties);
        element.append(...children);
        return element;
    };
    const dialog = () => document.getElementById("tray");
    const button = (text, act, more = {}) =>
        h("button", {type: "button", className: "btn btn-sm btn-link", textContent: text, onclick: act, ...more});
    const link = (text, href) => h("a", {href, textContent: text});
    const memory = () => karst.memory;
    const address = (path, parts) => `${path}?${new URLSearchParams(Object.entries(parts).filter(([, value]) => value))}`;

    function links({datastack, ids}) {
        const listed = ids.join(", ");
        const column = location.pathname === "/connectivity-viewer" ? "f.root_id" : "f.pt_root_id";
        const path = column === "f.root_id" ? location.pathname : "/table-viewer";
        const filter = link("Filter", address(path, {datastack, [column]: ids.length > 1 ? `in ${listed}` : listed}));
        filter.dataset.keep = column; // of the page that is shown, all else stays
        return [
            link("Show", address("/connectivity-viewer", {datastack, cell: listed})),
            filter,
            link("Population", address("/populations", {datastack, pre_table: "ids", pre: listed})),
            link("Skeletons", address("/skeletons", {datastack, cells: listed})),
        ];
    }

    function download({name, ids}) {
        const href = URL.createObjectURL(new Blob([`root_id\n${ids.join("\n")}\n`], {type: "text/csv"}));
        h("a", {href, download: `${name}.csv`}).click();
        setTimeout(() => URL.revokeObjectURL(href), 0);
    }

    function ofSet(set, at) {
        const tick = h("input", {type: "checkbox", className: "form-check-input", value: at, ariaLabel: `Choose ${set.name}`});
        const name = h("input", {className: "form-control form-control-sm", value: set.name, ariaLabel: "Name of the set"});
        name.onchange = () => memory().rename(at, name.value.trim());
        const count = h("span", {className: "k-muted", textContent: `${set.ids.length.toLocaleString("en")} cells`});
        const ways = set.ids.length ? [...links(set), button("Export", () => download(set))] : [];
        return h("li", {}, tick, name, count, ...ways, button("Remove", () => memory().remove("sets", at)));
    }

    const chosen = () => [...dialog().querySelectorAll("#tray-sets :checked")].map((tick) => memory().stored().sets[tick.value]);

    function combine(how) {
        const sets = chosen();
        const is = sets.length > 1 && new Set(sets.map((set) => set.datastack)).size === 1;
        if (is) memory().combine(how, sets);
        else dialog().querySelector("#tray-message").textContent = "Choose two or more sets of one datastack.";
    }

    const empty = (text) => h("li", {className: "k-muted", textContent: text});
    const fill = (place, items, none) => place.replaceChildren(...(items.length ? items : [empty(none)]));
    const ofCell = ({root, type, href}) => link(`${type} ${root}`.trim(), href);

    function draw() {
        if (!dialog()) return;
        dialog().dataset.drawn = "1";
        const {recent, views, sets} = memory().stored();
        fill(document.getElementById("tray-sets"), sets.map(ofSet), "No sets. Export › Ids to the tray makes one from any table.");
        fill(document.getElementById("tray-views"),
            views.map((view, at) => h("li", {}, link(view.name, view.href), button("Remove", () => memory().remove("views", at)))),
            "None saved.");
        fill(document.getElementById("tray-recent"), recent.map((cell) => h("li", {}, ofCell(cell))), "None looked at.");
        const count = sets.length ? ` (${sets.length})` : "";
        document.querySelector(".k-tray-open").textContent = `Tray${count}`;
        document.getElementById("tray-undo").hidden = !memory().canUndo();
        document.getElementById("tray-message").textContent = "";
        drawStart();
    }

    // The start page lists recent cells too.
    function drawStart() {
        const place = document.getElementById("recent");
        if (!place) return;
        const {recent} = memory().stored();
        place.dataset.drawn = "1";
        place.replaceChildren(...(recent.length ? ["Recent cells:", ...recent.map(ofCell)] : []));
    }

    const ACTS = {
        open: () => (draw(), dialog().showModal()),
        close: () => dialog().close(),
        union: () => combine("union"),
        intersection: () => combine("intersection"),
        difference: () => combine("difference"),
        undo: () => memory().undo(),
        save: async () => {
            await karst.settled();
            const parts = ["h1", ".k-status", ".k-counts"].map((part) => document.querySelector(`main ${part}`));
            const words = parts.filter(Boolean).map((part) => part.textContent.trim());
            memory().save(words.filter(Boolean).join(" · ").slice(0, 120), location.pathname + location.search);
        },
        collect: ({dataset}) => karst.say(`${memory().collect(dataset.ids, dataset.name)} cells were added to the tray.`),
        add: () => {
            const box = document.getElementById("tray-ids");
            if (memory().collect(box.value)) box.value = "";
        },
    };

    document.addEventListener("click", (event) => {
        const part = event.target.closest && event.target.closest("[data-tray], #tray a[href]:not([download])");
        if (part) (ACTS[part.dataset.tray] || ACTS.close)(part);
    });
    window.addEventListener("karst-memory", draw);
    new MutationObserver(() => {
        if (document.querySelector("#recent:not([data-drawn]), #tray:not([data-drawn])")) draw();
    }).observe(document, {childList: true, subtree: true});
})();
