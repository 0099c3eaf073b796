// Saves the wall of skeletons as a file of 1600 x 900, large enough for a slide.
window.dash_clientside = Object.assign({}, window.dash_clientside, {
    skeletons: {
        save(svg, png) {
            const button = dash_clientside.callback_context.triggered_id;
            const plot = document.querySelector("#wall-plot .js-plotly-plot");
            if (!plot || !(svg || png)) return;
            const format = button === "wall-svg" ? "svg" : "png";
            Plotly.downloadImage(plot, {format, filename: "skeletons", width: 1600, height: 900});
        },
    },
});
