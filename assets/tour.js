// The tour: a panel that stays while its steps lead from page to page, and an outline around what a step is about.
(function () {
    "use strict";
    const KEY = "karst-tour";
    const EXAMPLE = "example";
    let at = Number(sessionStorage.getItem(KEY) || -1); // -1: no tour
    let example = sessionStorage.getItem(`${KEY}-cell`);

    const panel = () => document.getElementById("tour");
    const steps = () => JSON.parse(panel().dataset.steps);

    function draw() {
        if (!panel()) return;
        panel().hidden = at < 0;
        const [, target, words] = steps()[at] || [];
        const text = words ? `${at + 1} of ${steps().length}. ${words}` : "";
        if (document.getElementById("tour-words").textContent !== text) document.getElementById("tour-words").textContent = text;
        for (const old of document.querySelectorAll(".k-toured")) if (!target || !old.matches(target)) old.classList.remove("k-toured");
        const shown = target && document.querySelector(target);
        if (shown) shown.classList.add("k-toured");
    }

    async function go(next) {
        const first = document.querySelector("#home-cells a");
        if (first) example = first.getAttribute("href");
        at = next < steps().length ? next : -1;
        sessionStorage.setItem(KEY, at);
        sessionStorage.setItem(`${KEY}-cell`, example || "/connectivity-viewer");
        draw();
        if (at < 0) return;
        const [path] = steps()[at];
        const href = path === EXAMPLE ? example || "/connectivity-viewer" : path;
        if (new URL(href, location.href).pathname !== location.pathname) await karst.follow(href, panel());
    }

    const ACTS = {begin: () => go(0), next: () => go(at + 1), end: () => go(Infinity)};

    document.addEventListener("click", (event) => {
        const button = event.target.closest && event.target.closest("[data-tour]");
        if (button) ACTS[button.dataset.tour]();
    });
    new MutationObserver(draw).observe(document, {childList: true, subtree: true});
})();
