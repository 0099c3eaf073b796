// Draws tables of many rows from plain values (components/long_table.py).
(function () {
    "use strict";

    function element(tag, properties, children) {
        const node = Object.assign(document.createElement(tag), properties);
        node.append(...children.flat());
        return node;
    }

    function drawn(part) {
        if (Array.isArray(part)) return part.flatMap((one) => drawn(one));
        if (typeof part === "string") return [part];
        if (part.summary) return [element("details", {}, [element("summary", {}, [part.summary]), drawn(part.parts)])];
        const link = part.href ? {href: part.href} : {};
        return [element(part.href ? "a" : "span", {...link, className: part.look}, [part.text])];
    }

    function table({titles, left, rows, caption}) {
        const look = left.map((words) => (words ? "k-left" : ""));
        const heads = titles.map((title, at) => element("th", {scope: "col", className: look[at]}, [title]));
        const line = (row) => element("tr", {}, row.map((cell, at) => element("td", {className: look[at]}, drawn(cell))));
        const above = caption ? [element("caption", {}, [caption])] : [];
        return [...above, element("thead", {}, [element("tr", {}, heads)]), element("tbody", {}, rows.map(line))];
    }

    window.dash_clientside = Object.assign({}, window.dash_clientside, {
        tables: {
            draw: function (content, {of}) {
                const id = JSON.stringify({of, type: "long-table"}); // as Dash writes it
                document.getElementById(id).replaceChildren(...table(content));
                return false; // not hidden any more
            },
        },
    });
})();
