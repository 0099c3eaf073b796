// The code that draws networks is large, so it is loaded when one is looked at.
(function () {
    "use strict";
    let code = null;

    function loaded(address) {
        code ||= new Promise((done, failed) => {
            const script = document.createElement("script");
            script.src = address;
            script.onload = done;
            script.onerror = failed;
            document.head.append(script);
        });
        return code;
    }

    window.dash_clientside = Object.assign({}, window.dash_clientside, {
        network: {
            draw: async function (wanted) {
                if (!wanted) return dash_clientside.no_update;
                await loaded(wanted.script);
                return wanted.graph;
            },
        },
    });
})();
