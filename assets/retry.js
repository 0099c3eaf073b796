// A request of Dash that fails on its way (no connection, an error of the server or of a proxy before it) would leave its
// spinner turning for ever. It is held here instead: the page says so, and Retry sends it once more, as it was.
(function () {
    "use strict";
    const send = window.fetch;
    const OURS = /\/_dash-(?:update-component|layout|dependencies)\b/;
    const KEPT = "Nothing you typed is lost.";
    const held = new Map(); // by what a request is for: what went wrong, and how to go on
    const broken = "script";

    window.fetch = function (resource, options) {
        return OURS.test(resource) ? deliver(resource, options) : send.call(window, resource, options);
    };

    async function deliver(address, options) {
        const purpose = purposeOf(address, options);
        for (;;) {
            held.delete(purpose); // a later request takes the place of one that was lost
            show();
            const {answer, problem} = await attempt(address, options);
            if (answer) {
                if (purpose.startsWith("_pages_content.") || purpose.startsWith(".._pages_content.")) forget();
                return answer;
            }
            await new Promise((retry) => {
                held.set(purpose, {problem, retry});
                show();
            });
        }
    }

    const purposeOf = (address, options) => (options && options.body ? JSON.parse(options.body).output : String(address));

    // An answer that has come whole, or a sentence for why there is none.
    async function attempt(address, options) {
        try {
            const came = await send.call(window, address, options);
            const body = await came.arrayBuffer();
            if (!came.ok) return {problem: refusal(came.status, new TextDecoder().decode(body))};
            return {answer: new Response(came.status === 204 ? null : body, came)};
        } catch {
            return {problem: `The connection to Karst was lost. ${KEPT}`};
        }
    }

    function refusal(status, body) {
        try {
            const {message, hint, request_id} = JSON.parse(body).error;
            return [message, hint, KEPT, `Request ${request_id}.`].filter(Boolean).join(" ");
        } catch {
            return `Karst did not answer (status ${status}). ${KEPT}`;
        }
    }

    // Some components load their scripts when they are first drawn; only a new page asks for these again.
    window.addEventListener(
        "error",
        ({target}) => {
            if (target.tagName !== "SCRIPT") return;
            held.set(broken, {problem: "A part of this page could not be loaded.", retry: () => location.reload()});
            show();
        },
        true
    );

    // Another page has been drawn: what was lost of the one before is no longer wanted.
    function forget() {
        for (const purpose of held.keys()) if (purpose !== broken) held.delete(purpose);
        show();
    }

    function show() {
        document.body.classList.toggle("k-lost", held.size > 0);
        const problems = [...new Set([...held.values()].map(({problem}) => problem))].join(" ");
        const before = document.querySelector(".k-retry");
        if (before && before.dataset.problems === problems) return; // it may be being clicked just now
        if (before) before.remove();
        if (!held.size) return;
        const bar = document.createElement("div");
        bar.className = "k-retry alert alert-danger";
        bar.setAttribute("role", "alert");
        const button = document.createElement("button");
        Object.assign(button, {type: "button", className: "btn btn-sm btn-secondary", textContent: "Retry"});
        button.addEventListener("click", () => [...held.values()].forEach(({retry}) => retry()));
        bar.dataset.problems = problems;
        bar.append(problems, button);
        document.body.append(bar);
    }
})();
