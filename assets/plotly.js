// Figures are drawn by the strict build of plotly.js: the usual one writes code while it runs, which the content policy
// forbids, and then has no WebGL. Dash sets this address later to that of the usual one.
const strict = new URL("vendor/plotly-strict.min.js", document.currentScript.src).href;
Object.defineProperty(window, "_dashPlotlyJSURL", {get: () => strict, set: () => {}});
