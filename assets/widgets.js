// Small behaviours: copy buttons, menus, tabs, and links in cells.
(function () {
    "use strict";

    async function copy(text) {
        if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
        const before = document.activeElement;
        const area = document.createElement("textarea"); // plain http on another host has no clipboard API
        area.value = text;
        document.body.append(area);
        area.select();
        document.execCommand("copy");
        area.remove();
        if (before) before.focus();
    }

    function say(text) {
        const said = document.getElementById("said");
        if (said) said.textContent = text;
    }
    window.karst = Object.assign(window.karst || {}, {say});

    document.addEventListener("click", async (event) => {
        const button = event.target.closest && event.target.closest("[data-copy]");
        if (!button) return;
        if (!button.dataset.copy) await karst.settled();
        const address = button.dataset.copy || location.href; // empty: this page
        await copy(address.startsWith("/") ? new URL(address, location.href).href : address);
        button.classList.add("k-copied");
        say("Copied.");
        setTimeout(() => button.classList.remove("k-copied"), 1500);
    });

    // A menu closes with a click or the focus elsewhere, and with Escape.
    const MENUS = "details:is(.k-take, .k-drop, .k-contents)[open]";

    function shut(menu) {
        const inside = menu.contains(document.activeElement);
        menu.open = false;
        if (inside) menu.querySelector("summary").focus(); // else the focus would be on what is no more to be seen
    }

    document.addEventListener("click", (event) => {
        for (const menu of document.querySelectorAll(MENUS)) if (!menu.contains(event.target)) menu.open = false;
    });
    document.addEventListener("keydown", (event) => {
        const menu = event.key === "Escape" && event.target.closest && event.target.closest(MENUS);
        if (menu) shut(menu);
    });
    document.addEventListener("focusout", (event) => {
        const menu = event.relatedTarget && event.target.closest && event.target.closest(MENUS);
        if (menu && !menu.contains(event.relatedTarget)) menu.open = false;
    });

    window.dash_clientside = Object.assign({}, window.dash_clientside, {
        clipboard: {
            // Copies what the server has put together.
            copy: async function (made) {
                if (!made) return dash_clientside.no_update;
                if (made.href) return karst.follow(made.href, document.body);
                if (made.form !== "tray") await copy(made.text);
                const said = made.form === "tray" ? `${karst.memory.collect(made.text)} cells were added to the tray.` : made.said;
                say(said);
                for (const menu of document.querySelectorAll("details.k-take[open]")) shut(menu);
                return said;
            },
        },
    });

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

    // The button that clears a selection goes with it: the focus moves to what now leads to all rows, else to its tab.
    document.addEventListener("click", (event) => {
        const button = event.target.closest && event.target.closest(".k-deselect");
        if (!button) return;
        const [summary, panel] = [".k-summary", "[role=tabpanel]"].map((part) => button.closest(part));
        const next = summary ? summary.querySelector(".k-link a") : document.querySelector(`[aria-controls="${panel.id}"]`);
        if (next) next.focus();
        if (!next || !summary) return;
        new MutationObserver((_changes, observer) => {
            if (next.isConnected) return;
            const drawn = summary.querySelector(".k-link a"); // that to all rows takes the place of the one that had it
            if (drawn) observer.disconnect();
            if (drawn && document.activeElement === document.body) drawn.focus();
        }).observe(summary, {childList: true, subtree: true});
    });

    // In a grid Tab and arrows go from cell to cell, never into one: Enter follows the link of a cell.
    document.addEventListener("keydown", (event) => {
        const link = event.key === "Enter" && event.target.matches(".ag-cell") && event.target.querySelector("a[href]");
        if (link) link.click();
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
