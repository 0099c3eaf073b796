// A figure as a file for a paper: on white, with its title, cell, version, numbers and how to cite it below.
(function () {
    "use strict";
    const WIDTH_PX = 720; // where a figure has none of its own
    const LINE_PX = 16;
    const LETTER_PX = 7.2; // of the caption
    const AXIS_PX = 48;
    const GAP_PX = 8;

    function lines(text, width) {
        const all = [""];
        const most = Math.floor(width / LETTER_PX);
        const words = text.split(/\s+/).flatMap((word) => word.match(new RegExp(`.{1,${most}}`, "gu")) ?? []); // of addresses
        for (const word of words) {
            if (all.at(-1).length + word.length > most) all.push("");
            all.push(`${all.pop()} ${word}`.trim());
        }
        return all;
    }

    function caption(plot, width) {
        const words = (element) => (element ? element.innerText.trim() : "");
        const parts = [
            `${plot.dataset.title}.`,
            `${words(document.querySelector("main .k-status"))}.`,
            words(plot.parentElement.querySelector(":scope > .k-hint")),
            words(plot.querySelector(".k-hint")),
            `Source: ${location.href}. Cite the publication of the datastack, and Karst by its CITATION.cff.`,
        ];
        return lines(parts.filter((part) => part.length > 1).join(" "), width);
    }

    const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

    // The figure as it is on the page, but wide enough for a column or a slide, dark on white.
    function figure(plot) {
        const graph = plot.querySelector(".js-plotly-plot");
        const {data, layout} = graph || karst.drawnFrom.get(plot.querySelector("table, .k-network"));
        const width = Number(plot.dataset.width ?? WIDTH_PX);
        const text = caption(plot, width);
        const below = text.length * LINE_PX + GAP_PX + AXIS_PX;
        const height = (graph ? graph.clientHeight : layout.height) + below;
        const title = {text: text.map(escaped).join("<br>"), font: {size: 12}, x: 0.01, xanchor: "left", y: (text.length * LINE_PX + GAP_PX) / height, yanchor: "top", yref: "container", automargin: false};
        const onWhite = {paper_bgcolor: "#fff", plot_bgcolor: "#fff", font: {...layout.font, color: "#222"}, title, height, width};
        const margin = {...layout.margin, t: 24, b: below};
        return {shown: {data, layout: {...layout, ...onWhite, margin}}, size: {width, height}};
    }

    async function image(plot, format, scale) {
        if (!window.Plotly) await karst.load(window._dashPlotlyJSURL); // of a table
        const {shown, size} = figure(plot);
        return {address: await Plotly.toImage(shown, {format, scale, ...size}), size};
    }

    // A page of the figure's own size, for the browser to print into a file: its letters stay letters.
    function print(address, {width, height}) {
        document.getElementById("figure-page")?.remove();
        const frame = Object.assign(document.createElement("iframe"), {id: "figure-page", title: "Figure", tabIndex: -1, ariaHidden: "true"});
        frame.style.cssText = "position:fixed;width:0;height:0;border:0"; // what is not displayed is not printed
        const svg = decodeURIComponent(address.slice(address.indexOf(",") + 1));
        frame.srcdoc = `<!doctype html><style>@page{size:${width}px ${height}px;margin:0}body{margin:0}</style>${svg}`;
        frame.addEventListener("load", () => frame.contentWindow.print());
        document.body.append(frame);
    }

    document.addEventListener("click", async (event) => {
        const button = event.target.closest && event.target.closest("[data-figure]");
        if (!button) return;
        const {figure: form} = button.dataset;
        const plot = button.closest("[data-title]");
        const {address, size} = await image(plot, form === "png" ? "png" : "svg", form === "png" ? 2 : 1);
        if (form === "pdf") return print(address, size);
        const name = plot.dataset.title.toLowerCase().replace(/[^a-z0-9]+/g, "-");
        Object.assign(document.createElement("a"), {href: address, download: `${name}.${form}`}).click();
    });
})();
