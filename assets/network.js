// The code that draws networks is large, so it is loaded when one is looked at.
(function () {
    "use strict";
    window.dash_clientside = Object.assign({}, window.dash_clientside, {
        network: {
            draw: async function (wanted) {
                if (!wanted) return dash_clientside.no_update;
                await karst.load(wanted.script);
                karst.drawnFrom.set(document.getElementById("pop-network"), wanted.figure);
                return wanted.graph;
            },
        },
    });
})();
