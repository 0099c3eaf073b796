// Copy buttons, and what the server has put together to be copied.
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
        const place = document.getElementById("announcement");
        if (place) place.textContent = text;
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

    window.dash_clientside = Object.assign({}, window.dash_clientside, {
        clipboard: {
            // Copies what the server has put together.
            copy: async function (content) {
                if (!content) return dash_clientside.no_update;
                if (content.href) return karst.follow(content.href, document.body);
                const collected = content.form === "tray";
                if (!collected) await copy(content.text);
                const message = collected
                    ? `${karst.memory.collect(content.text)} cells were added to the tray.`
                    : content.message;
                say(message);
                for (const menu of document.querySelectorAll("details.k-take[open]")) karst.closeMenu(menu);
                return message;
            },
        },
    });
})();
