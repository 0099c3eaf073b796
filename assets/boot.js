// Sets the theme before the first paint. Loaded in <head>, ahead of everything else.
(function () {
    "use strict";
    const KEY = "karst-theme";
    const system = window.matchMedia("(prefers-color-scheme: dark)");

    function remembered() {
        try {
            return localStorage.getItem(KEY);
        } catch {
            return null; // storage may be forbidden; the system's choice then holds
        }
    }

    function apply() {
        const dark = (remembered() || (system.matches ? "dark" : "light")) === "dark";
        document.documentElement.dataset.bsTheme = dark ? "dark" : "light";
        const toggle = document.getElementById("theme-toggle");
        if (toggle) toggle.setAttribute("aria-pressed", String(dark));
    }

    function toggle() {
        const next = document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark";
        try {
            localStorage.setItem(KEY, next);
        } catch {
            document.documentElement.dataset.bsTheme = next;
            return;
        }
        apply();
    }

    apply();
    system.addEventListener("change", apply);
    document.addEventListener("click", (event) => {
        if (event.target.closest && event.target.closest("#theme-toggle")) toggle();
    });
    // The toggle is drawn by Dash later, and must then say which theme is on.
    new MutationObserver((_, observer) => {
        if (!document.getElementById("theme-toggle")) return;
        observer.disconnect();
        apply();
    }).observe(document, {childList: true, subtree: true});
})();
