// What takes more than two seconds says how long it has taken, and can be left: Cancel goes back to where one came from.
(function () {
    "use strict";
    const PATIENCE_MS = 2000;
    const STEP_MS = 250;
    const begun = new WeakMap();

    function cancel() {
        if (history.length > 1) history.back();
        else location.assign("/");
    }

    function offer(place) {
        const elapsed = Object.assign(document.createElement("span"), {className: "k-elapsed"});
        elapsed.setAttribute("aria-hidden", "true"); // else every second is read out
        place.append(elapsed);
        if (place.closest("main") && !place.closest(".k-home, [role=tabpanel]")) {
            const button = document.createElement("button");
            Object.assign(button, {type: "button", className: "btn btn-sm btn-outline-secondary", textContent: "Cancel"});
            button.dataset.help = "Goes back. The server finishes what it has begun, and keeps the answer for next time.";
            button.addEventListener("click", cancel);
            place.append(button);
        }
        return elapsed;
    }

    setInterval(() => {
        for (const place of document.querySelectorAll(".k-loading")) {
            if (!begun.has(place)) begun.set(place, Date.now());
            const took = Date.now() - begun.get(place);
            if (took < PATIENCE_MS) continue;
            const elapsed = place.querySelector(".k-elapsed") || offer(place);
            elapsed.textContent = `${Math.floor(took / 1000)} s`;
        }
    }, STEP_MS);
})();
