// What a person does in a plot: a click on a bar follows its address, a click or an outline around dots picks rows.
(function () {
    "use strict";
    const none = () => dash_clientside.no_update;

    function corners(selection) {
        if (selection.lassoPoints) return selection.lassoPoints;
        const {x, y} = selection.range;
        return {x: [x[0], x[1], x[1], x[0]], y: [y[0], y[0], y[1], y[1]]};
    }

    window.dash_clientside = Object.assign({}, window.dash_clientside, {
        plots: {
            // The outline only: the rows within are found on the server, which has them all.
            selectedData: function (selections) {
                const selection = selections.find(Boolean);
                if (!selection || !(selection.lassoPoints || selection.range)) return null;
                const {x, y} = corners(selection);
                return {x: [...x], y: [...y]};
            },
            clickData: function (clicks) {
                const point = (clicks.find(Boolean) || {points: []}).points[0];
                if (!point) return none();
                if (point.customdata) {
                    karst.go(point.customdata);
                    return none();
                }
                return point.data && point.data.type === "bar" ? none() : {x: [point.x], y: [point.y]};
            },
        },
    });
})();
