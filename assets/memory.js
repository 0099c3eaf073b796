// What this browser keeps for a person: cells looked at last, saved views, and sets of cells. Kept nowhere else.
(function () {
    "use strict";
    const KEY = "karst-memory";
    const MOST_RECENT = 8;
    const EMPTY = {recent: [], views: [], sets: []};
    let before = null; // what was kept before the last change

    function stored() {
        try {
            return {...EMPTY, ...JSON.parse(localStorage.getItem(KEY))};
        } catch {
            return {...EMPTY}; // storage may be forbidden
        }
    }

    function keep(next) {
        try {
            localStorage.setItem(KEY, JSON.stringify(next));
        } catch {
            return; // then nothing is remembered
        }
        window.dispatchEvent(new CustomEvent("karst-memory"));
    }

    function change(parts) {
        before = stored();
        keep({...before, ...parts});
    }

    const ids = (text) => [...new Set(text.match(/\b[1-9][0-9]{0,18}\b/g) || [])];

    const combine = {
        union: (a, b) => [...new Set([...a, ...b])],
        intersection: (a, b) => a.filter((id) => b.includes(id)),
        difference: (a, b) => a.filter((id) => !b.includes(id)),
    };

    function unused(name) {
        const names = stored().sets.map((set) => set.name);
        let next = name;
        for (let number = 2; names.includes(next); number += 1) next = `${name} ${number}`;
        return next;
    }

    const place = () => new URLSearchParams(location.search).get("datastack") || "";

    window.karst = Object.assign(window.karst || {}, {
        memory: {
            stored,
            ids,
            // A new set of the ids in a text, of the datastack that is shown; how many they are.
            collect(text, name = "Cells") {
                const collected = ids(text);
                if (collected.length) change({sets: [...stored().sets, {name: unused(name), datastack: place(), ids: collected}]});
                return collected.length;
            },
            // The union, intersection, or difference (the first without all others) of sets, as a new set.
            combine(how, sets) {
                const result = sets.map((set) => set.ids).reduce(combine[how]);
                const name = unused(`${how} of ${sets.map((set) => set.name).join(", ")}`);
                change({sets: [...stored().sets, {name, datastack: sets[0].datastack, ids: result}]});
            },
            rename(at, name) {
                change({sets: stored().sets.map((set, index) => (index === at && name ? {...set, name: unused(name)} : set))});
            },
            save(name, href) {
                change({views: [{name, href}, ...stored().views.filter((view) => view.href !== href)]});
            },
            remove(what, at) {
                change({[what]: stored()[what].filter((_, index) => index !== at)});
            },
            canUndo: () => before !== null,
            undo() {
                if (before) keep(before);
                before = null;
            },
        },
    });

    // The cell of every page that is looked at.
    new MutationObserver(() => {
        const card = document.querySelector(".k-card:not([data-kept])");
        const root = card && card.querySelector(".k-root .k-id");
        if (!root) return;
        card.dataset.kept = "1";
        const type = card.querySelector(".k-type");
        const query = new URLSearchParams({cell: root.textContent});
        for (const name of ["datastack", "version"]) {
            const value = new URLSearchParams(location.search).get(name);
            if (value) query.set(name, value);
        }
        const cell = {root: root.textContent, type: type ? type.textContent : "", href: `/connectivity-viewer?${query}`};
        const all = stored();
        keep({...all, recent: [cell, ...all.recent.filter((other) => other.root !== cell.root)].slice(0, MOST_RECENT)});
    }).observe(document, {childList: true, subtree: true});
})();
