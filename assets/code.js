// Code that is large is loaded when it is first needed, and anew after a failure.
(function () {
    "use strict";
    const known = new Map();

    function load(address) {
        if (!known.has(address)) {
            known.set(
                address,
                new Promise((done, failed) => {
                    const script = Object.assign(document.createElement("script"), {src: address, onload: done});
                    script.onerror = () => {
                        known.delete(address);
                        failed(new Error(`${address} could not be loaded`));
                    };
                    document.head.append(script);
                })
            );
        }
        return known.get(address);
    }

    window.karst = Object.assign(window.karst || {}, {load});
})();
