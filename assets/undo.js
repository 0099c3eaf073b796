// What was cleared can be brought back for a while.
(function () {
    "use strict";
    const SHOWN_MS = 15000;
    let bar = null;

    function close() {
        if (bar) bar.remove();
        bar = null;
    }

    // Says what was done, with a button that takes it back.
    function offerUndo(words, act) {
        close();
        const button = document.createElement("button");
        Object.assign(button, {type: "button", className: "btn btn-sm btn-outline-secondary", textContent: "Undo"});
        button.addEventListener("click", () => (close(), act()));
        bar = Object.assign(document.createElement("div"), {className: "k-undo"});
        bar.setAttribute("role", "status");
        bar.append(words, button);
        document.body.append(bar);
        const thisBar = bar;
        setTimeout(() => thisBar.remove(), SHOWN_MS);
    }

    window.addEventListener("popstate", close);
    window.karst = Object.assign(window.karst || {}, {offerUndo});
})();
