// From the events of a grid to the small stores that the server reads. A page has one grid a store; it comes as a list
// because its id is only known by pattern.
(function () {
    "use strict";
    const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
    const requested = ({filterModel, sortModel}) => [
        Object.entries(filterModel || {}).map(([name, {filter}]) => [name, filter]).sort(),
        (sortModel || []).map(({colId, sort}) => [colId, sort]),
    ];
    const sorted = (columns) =>
        columns
            .filter(({sort}) => sort)
            .sort((a, b) => a.sortIndex - b.sortIndex)
            .map(({colId, sort}) => ({colId, sort}));
    const changed = (next, before) => (same(next, before) ? dash_clientside.no_update : next);

    // A click with Shift adds a column to the order, as the grid has it; one with Ctrl (or Command) is taken for that.
    for (const kind of ["click", "keydown"]) {
        document.addEventListener(
            kind,
            (event) => {
                const sorts = (kind === "click" || event.key === "Enter") && (event.ctrlKey || event.metaKey);
                if (!sorts || !event.target.closest(".ag-header-cell")) return;
                Object.defineProperty(event, "shiftKey", {value: true});
            },
            true
        );
    }

    // Past the header and the controls, to the rows that are seen.
    document.addEventListener("click", (event) => {
        if (!event.target.matches(".k-to-rows")) return;
        [...document.querySelectorAll(".k-rows")].find((rows) => rows.offsetParent)?.focus();
    });

    window.dash_clientside = Object.assign({}, window.dash_clientside, {
        grids: {
            // What the grid shows, and whether there is a grid yet; no change when only another block of the same rows was
            // asked for. A grid asks for rows once it has those that it asked for before, so the filter and order are the
            // grid's own.
            shown: function (requests, _filters, _columns, ids, before, there) {
                const none = dash_clientside.no_update;
                const at = requests.findIndex(Boolean);
                if (at < 0) return [none, none];
                const grid = dash_ag_grid.getApi(ids[at]);
                const filterModel = grid.getFilterModel();
                const sortModel = sorted(grid.getColumnState());
                const next = {of: ids[at].of, filterModel, sortModel};
                const unchanged = before && before.of === next.of && same(requested(next), requested(before));
                return [unchanged ? none : next, there ? none : 1];
            },
            // What the grid shows, to the panel in front; after the rows.
            front: function (shown, tab, there, ids) {
                return ids.map(({panel}) => (there && panel === tab ? shown : dash_clientside.no_update));
            },
            // Hides the columns that are not ticked, and leaves their order and width. Asked of the grid itself: one that
            // is still being set up loses what its property `columnState` says. The last one cannot be unticked: no columns
            // in an address are all of them.
            showColumns: function (shown, options, ids) {
                const state = options.map(({value}) => ({colId: value, hide: !shown.includes(value)}));
                for (const id of ids) dash_ag_grid.getApiAsync(id).then((api) => api.applyColumnState({state}));
                return options.map((option) => ({...option, disabled: shown.length === 1 && shown[0] === option.value}));
            },
            // Asks anew for the rows that are here, of which others are marked now.
            ask: function (_picked, ids) {
                for (const id of ids) {
                    dash_clientside.rows.forget(id);
                    dash_ag_grid.getApiAsync(id).then((api) => api.refreshInfiniteCache());
                }
            },
            deselect: function (clicks, ids) {
                if (!clicks) return dash_clientside.no_update;
                const before = ids.map((id) => dash_ag_grid.getApi(id).getSelectedNodes());
                karst.offerUndo("Selection cleared.", () => before.flat().forEach((node) => node.setSelected(true)));
                return ids.map(() => []);
            },
            // The ids of the ticked rows.
            selected: function (rows, ids, before) {
                const ticked = rows.flatMap((some, at) => (some || []).map((row) => row[ids[at].key]));
                return changed(ticked, before || []);
            },
        },
    });

    // In a grid Tab and arrows go from cell to cell, never into one: Enter follows the link of a cell.
    document.addEventListener("keydown", (event) => {
        const link = event.key === "Enter" && event.target.matches(".ag-cell") && event.target.querySelector("a[href]");
        if (link) link.click();
    });
})();
