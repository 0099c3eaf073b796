// The viewer beside the table shows what the tab in front has selected.
(function () {
    "use strict";

    window.dash_clientside = Object.assign({}, window.dash_clientside, {
        panel: {
            show: function (links, tab, ids) {
                const frame = document.getElementById("viewer-frame");
                const at = Math.max(ids.findIndex((id) => id.side === tab), 0);
                const to = links[at];
                if (!frame || !to || frame.dataset.shown === to) return dash_clientside.no_update;
                frame.dataset.shown = to;
                frame.contentWindow.location.replace(to); // no entry in the history for each selection
                return to;
            },
        },
    });
})();
