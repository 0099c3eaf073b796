// Tabs: by click, arrows, Home and End.
(function () {
    "use strict";

    function open(tab) {
        for (const other of tab.parentElement.querySelectorAll("[role=tab]")) {
            const chosen = other === tab;
            other.setAttribute("aria-selected", String(chosen));
            other.tabIndex = chosen ? 0 : -1;
            document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
        }
        tab.focus();
        if (tab.dataset.value) dash_clientside.set_props("tab", {data: tab.dataset.value});
    }

    document.addEventListener("click", (event) => {
        const tab = event.target.closest && event.target.closest("[role=tab]");
        if (tab) open(tab);
    });

    const STEPS = {ArrowRight: (at) => at + 1, ArrowLeft: (at) => at - 1, Home: () => 0, End: () => -1};
    document.addEventListener("keydown", (event) => {
        const tab = event.target.closest && event.target.closest("[role=tab]");
        if (!tab || !(event.key in STEPS)) return;
        event.preventDefault();
        const tabs = [...tab.parentElement.querySelectorAll("[role=tab]")];
        open(tabs.at(STEPS[event.key](tabs.indexOf(tab)) % tabs.length));
    });
})();
