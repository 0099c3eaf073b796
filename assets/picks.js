// What is drawn around in a plot becomes ticks in the table. The table holds only the blocks that were scrolled to, so
// the ids that were picked are kept here and ticked as their rows arrive.
(function () {
    "use strict";
    const picked = {}; // side: set of root ids
    const none = () => dash_clientside.no_update;
    function nodes(id) {
        const nodes = new Map();
        const api = dash_ag_grid.getApi(id);
        if (api) api.forEachNode((node) => node.data && nodes.set(node.id, node));
        return nodes;
    }

    window.dash_clientside = Object.assign({}, window.dash_clientside, {
        picks: {
            // What was drawn or clicked in any plot, as places in the table or as a value, for the side of that table.
            drawn: function (selections, clicks, outputs) {
                const trigger = dash_clientside.callback_context.triggered[0];
                if (!trigger || !trigger.value) return outputs.map(none);
                const {name, side} = JSON.parse(trigger.prop_id.slice(0, trigger.prop_id.lastIndexOf(".")));
                const points = trigger.value.points || [];
                if (!points.length) return outputs.map(none);
                const types = name === "types";
                const to = types ? (points[0].curveNumber ? "out" : "in") : side;
                if (types !== trigger.prop_id.endsWith("clickData")) return outputs.map(none);
                const at = Date.now(); // the same bar can be clicked again
                const what = types
                    ? {value: points[0].customdata[0], at}
                    : {rows: [...new Set(points.map((point) => point.customdata))], at};
                if (types) document.getElementById(`tab-${to}`).click();
                return outputs.map((output) => (output.side === to ? what : none()));
            },
            // Ticks the rows that are here, which `selected` then hears of; `arrived` ticks those to come, of a grid
            // that is to come as well.
            tick: function (roots, {side}, ids) {
                if (!roots) return none();
                picked[side] = new Set(roots);
                for (const id of ids) for (const node of nodes(id).values()) node.setSelected(picked[side].has(node.id));
                return picked[side].size ? Date.now() : none();
            },
            // The ids of all ticked rows, with those that were picked and are not here.
            selected: function (rows, _, ids, before) {
                if (!ids.length) return none();
                const {side, key} = ids[0];
                if (!rows[0] && !picked[side]) return none(); // the grid is being set up
                const here = nodes(ids[0]);
                const ticked = (rows[0] || []).map((row) => row[key]);
                const away = [...(picked[side] || [])].filter((root) => !here.has(root));
                for (const root of picked[side] || []) if (here.has(root) && !ticked.includes(root)) picked[side].delete(root);
                const next = [...new Set([...ticked, ...away])];
                return JSON.stringify(next) === JSON.stringify(before || []) ? none() : next;
            },
            deselect: function (clicks, ids) {
                if (!clicks || !ids.length) return ids.map(none);
                const {side} = ids[0];
                const drawn = picked[side];
                const ticked = [...nodes(ids[0]).values()].filter((node) => node.isSelected());
                karst.offerUndo("Selection cleared.", () => {
                    if (drawn) picked[side] = drawn;
                    for (const node of ticked) node.setSelected(true);
                });
                delete picked[side];
                return ids.map(() => []);
            },
        },
    });

    // The button that clears a selection goes with it: the focus moves to what now leads to all rows, else to its tab.
    document.addEventListener("click", (event) => {
        const button = event.target.closest && event.target.closest(".k-deselect");
        if (!button) return;
        const [summary, panel] = [".k-summary", "[role=tabpanel]"].map((part) => button.closest(part));
        const next = summary ? summary.querySelector(".k-link a") : document.querySelector(`[aria-controls="${panel.id}"]`);
        if (next) next.focus();
        if (!next || !summary) return;
        new MutationObserver((_changes, observer) => {
            if (next.isConnected) return;
            const drawn = summary.querySelector(".k-link a"); // that to all rows takes the place of the one that had it
            if (drawn) observer.disconnect();
            if (drawn && document.activeElement === document.body) drawn.focus();
        }).observe(summary, {childList: true, subtree: true});
    });

    const dagfuncs = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});
    // Called whenever rows arrive in a grid.
    dagfuncs.arrived = function (params, side) {
        const ids = picked[side];
        if (!ids || !ids.size) return;
        params.api.forEachNode((node) => {
            if (node.data && ids.has(node.id) && !node.isSelected()) node.setSelected(true);
        });
    };
})();
