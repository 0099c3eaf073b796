// Draws tables of many rows from plain values (components/long_table.py), and small matrices from their figure.
(function () {
    "use strict";
    const drawnFrom = new WeakMap(); // the figure of a table, for files of it
    window.karst = Object.assign(window.karst || {}, {drawnFrom});

    function element(tag, properties, children) {
        const node = Object.assign(document.createElement(tag), properties);
        node.append(...children.flat());
        return node;
    }

    function drawn(part) {
        if (Array.isArray(part)) return part.flatMap((child) => drawn(child));
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

    const entry = (href, row, column) => `${href}&${new URLSearchParams({row, column})}`;

    // Each entry with something in it leads to its synapses.
    function matrix({data: [{text, z}], layout: {meta}}, href) {
        const numbers = new Float32Array(Uint8Array.from(atob(z.bdata), (letter) => letter.charCodeAt(0)).buffer);
        const most = numbers.reduce((largest, number) => Math.max(largest, number || 0), 0); // not known is NaN
        const cell = (row, y, column, x) => {
            const label = text[y][x];
            const number = numbers[y * meta.columns.length + x];
            if (!number) return element("td", {className: "k-muted"}, [label]);
            const link = element("a", {href: entry(href, row, column), title: `${row} → ${column}: ${label}`}, [label]);
            const shaded = element("td", {}, [link]);
            shaded.style.setProperty("--share", `${(100 * number) / most}%`);
            return shaded;
        };
        const head = (name, scope) => element("th", {scope}, [element("span", {title: name}, [name])]);
        const line = (row, y) => element("tr", {}, [head(row, "row"), meta.columns.map((column, x) => cell(row, y, column, x))]);
        const corner = element("td", {className: "k-muted"}, ["from \\ onto"]);
        const heads = [corner, meta.columns.map((name) => head(name, "col"))];
        return [element("thead", {}, [element("tr", {}, heads)]), element("tbody", {}, meta.rows.map(line))];
    }

    window.dash_clientside = Object.assign({}, window.dash_clientside, {
        tables: {
            matrix: function ({figure, href}) {
                const place = document.getElementById("pop-table");
                drawnFrom.set(place, figure);
                place.replaceChildren(...matrix(figure, href));
                return false;
            },
            draw: function (content, {of}) {
                const id = JSON.stringify({of, type: "long-table"}); // as Dash writes it
                document.getElementById(id).replaceChildren(...table(content));
                return false; // not hidden any more
            },
        },
    });
})();
