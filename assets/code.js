// Code that is large is loaded when it is first needed, and anew after a failure.
(function () {
    "use strict";
    const scripts = new Map();

    function load(address) {
        if (!scripts.has(address)) {
            scripts.set(
                address,
                new Promise((done, failed) => {
                    const script = Object.assign(document.createElement("script"), {src: address, onload: done});
                    script.onerror = () => {
                        scripts.delete(address);
                        failed(new Error(`${address} could not be loaded`));
                    };
                    document.head.append(script);
                })
            );
        }
        return scripts.get(address);
    }

    window.karst = Object.assign(window.karst || {}, {load});
})();
