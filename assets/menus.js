// Menus: one closes with a click or the focus elsewhere, and with Escape.
(function () {
    "use strict";
    const MENUS = "details:is(.k-take, .k-drop, .k-contents)[open]";

    function closeMenu(menu) {
        const inside = menu.contains(document.activeElement);
        menu.open = false;
        if (inside) menu.querySelector("summary").focus(); // else the focus would be on what is no more to be seen
    }
    window.karst = Object.assign(window.karst || {}, {closeMenu});

    document.addEventListener("click", (event) => {
        for (const menu of document.querySelectorAll(MENUS)) if (!menu.contains(event.target)) menu.open = false;
    });
    document.addEventListener("keydown", (event) => {
        const menu = event.key === "Escape" && event.target.closest && event.target.closest(MENUS);
        if (menu) closeMenu(menu);
    });
    document.addEventListener("focusout", (event) => {
        const menu = event.relatedTarget && event.target.closest && event.target.closest(MENUS);
        if (menu && !menu.contains(event.relatedTarget)) menu.open = false;
    });
})();
