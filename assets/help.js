// Help: `?` opens the keys and how to filter, and every term is explained where it stands, on hover and on focus.
(function () {
    "use strict";
    const DELAY_MS = 300;
    const tip = document.createElement("div");
    Object.assign(tip, {id: "tip", className: "k-tip", hidden: true});
    tip.setAttribute("role", "tooltip");
    let owner = null; // whose meaning is shown
    let timer = 0;

    const dialog = () => document.getElementById("help");
    const isTyped = (element) => element.matches("input, textarea, select, [contenteditable]");

    document.addEventListener("click", (event) => {
        const button = event.target.closest && event.target.closest("[data-opens=help], [data-closes=help], .k-help a");
        if (!button) return;
        if (button.dataset.opens) dialog().showModal();
        else dialog().close();
    });

    document.addEventListener("keydown", (event) => {
        if (event.key === "Escape") hide();
        if (isTyped(event.target) || event.ctrlKey || event.metaKey || event.altKey || !dialog()) return;
        if (event.key === "?") dialog().showModal();
        else if (event.key === "/") document.getElementById("search").focus();
        else return;
        event.preventDefault();
    });

    // The sentence for what is pointed at or has the focus. A header of a grid shows its own on hover.
    function meaningOf(target, focused) {
        const element = target.closest("[data-help]");
        if (element) return [element, element.dataset.help];
        const header = focused && target.closest(".k-grid .ag-header-cell[col-id]");
        const grid = header && header.closest(".k-grid");
        const api = grid && dash_ag_grid.getApi(grid.id.startsWith("{") ? JSON.parse(grid.id) : grid.id);
        const column = api && api.getColumn(header.getAttribute("col-id"));
        return column ? [header, column.getColDef().headerTooltip] : [];
    }

    function show(element, text) {
        hide();
        owner = element;
        tip.textContent = text;
        (owner.closest("dialog, header, main") || document.body).append(tip);
        tip.hidden = false;
        owner.setAttribute("aria-describedby", tip.id);
        const at = element.getBoundingClientRect();
        const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
        tip.style.left = `${Math.max(8, Math.min(at.left, room))}px`;
        const above = at.top - tip.offsetHeight - 6;
        tip.style.top = `${above > 0 ? above : at.bottom + 6}px`;
    }

    function hide() {
        clearTimeout(timer);
        if (owner) owner.removeAttribute("aria-describedby");
        owner = null;
        tip.hidden = true;
    }

    for (const [kind, focused] of [["mouseover", false], ["focusin", true]]) {
        document.addEventListener(kind, (event) => {
            if (event.target === tip) return; // it can be pointed at
            const [element, text] = meaningOf(event.target, focused);
            if (element && element === owner) return;
            hide();
            if (text) timer = setTimeout(() => element.isConnected && show(element, text), focused ? 0 : DELAY_MS);
        });
    }
    document.addEventListener("focusout", hide);
    document.addEventListener("scroll", hide, {capture: true, passive: true});
})();
