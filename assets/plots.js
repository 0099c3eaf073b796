// What a person does in a plot: a click on a bar follows its address, a click on a dot or an outline around many picks
// rows. Plotly's own lasso would look at every point, and draw it anew, at each step of the hand.
(function () {
    "use strict";
    const none = () => dash_clientside.no_update;
    const graph = () => document.querySelector("#table-figure .js-plotly-plot");

    // Shapes that a person drew can be edited; guides cannot.
    function shapes() {
        const all = graph()?.layout.shapes || []; // where no row is left there is no plot
        return {guides: all.filter((shape) => !shape.editable), outlines: all.filter((shape) => shape.editable)};
    }

    function erase() {
        const {guides, outlines} = shapes();
        if (outlines.length) Plotly.relayout(graph(), {shapes: guides});
    }

    function corners({path, x0, x1, y0, y1}) {
        if (!path) return {x: [x0, x1, x1, x0], y: [y0, y0, y1, y1]};
        const points = path.split(/[MLZ]/).filter(Boolean).map((point) => point.split(",").map(Number));
        return {x: points.map((point) => point[0]), y: points.map((point) => point[1])};
    }

    window.dash_clientside = Object.assign({}, window.dash_clientside, {
        plots: {
            // The outline only: the rows within are found on the server, which has them all. A new one takes the place
            // of the one before.
            drawn: function (changes) {
                const names = Object.keys(changes.find(Boolean) || {});
                if (!names.some((name) => name.startsWith("shapes"))) return none();
                const {guides, outlines} = shapes();
                if (outlines.length === 1) return corners(outlines[0]);
                if (outlines.length) Plotly.relayout(graph(), {shapes: [...guides, outlines.at(-1)]});
                return none(); // which is called again
            },
            clear: function (clicks) {
                if (!clicks.some(Boolean)) return none();
                erase();
                return null;
            },
            // In the mode that draws, plotly tells of no clicks. What is hovered is asked of plotly itself: Dash hears of
            // nothing that was hovered while the plot was being drawn.
            picked: function () {
                const point = (graph()?._hoverdata || [])[0];
                const dot = point && graph().data[point.curveNumber].type !== "bar";
                if (!dot) return none();
                erase();
                return {x: [point.x], y: [point.y]};
            },
            // An entry of a matrix: its place in the plot, its names in the figure.
            entry: function (click, figure, href) {
                const point = ((click || {}).points || [])[0];
                const names = figure && figure.layout.meta;
                if (!point || !names || !href) return;
                const view = new URL(href, location.origin);
                view.searchParams.set("row", names.rows[Math.round(point.y)]);
                view.searchParams.set("column", names.columns[Math.round(point.x)]);
                karst.follow(view.pathname + view.search, document.getElementById("pop-matrix"));
            },
            follow: function (clicks) {
                const point = (clicks.find(Boolean) || {points: []}).points[0];
                if (point && point.customdata) karst.follow(point.customdata, graph());
            },
        },
    });
})();
