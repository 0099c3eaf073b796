// The viewer beside a table shows what the link there does.
(function () {
    "use strict";

    function show(to) {
        const frame = document.getElementById("viewer-frame");
        const address = to || "about:blank"; // what cannot be shown takes what was shown before away
        if (!frame || (frame.dataset.shown || "about:blank") === address) return dash_clientside.no_update;
        frame.dataset.shown = address;
        frame.contentWindow.location.replace(address); // no entry in the history for each selection
        return to;
    }

    window.dash_clientside = Object.assign({}, window.dash_clientside, {
        panel: {
            // That of the tab in front; null until it is known.
            show: function (links, tab, ids) {
                const to = links[Math.max(ids.findIndex((id) => id.side === tab), 0)];
                return to ? show(to) : dash_clientside.no_update;
            },
            showOne: show,
        },
    });
})();
