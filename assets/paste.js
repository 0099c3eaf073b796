// A viewer's link with thousands of points is longer than any box or address takes, and its segments are all that is
// asked of it: such a link is made short as it is pasted, leaving out what is not read.
(function () {
    "use strict";
    const LONG = 2000; // what an address can carry without trouble

    const selected = (segments) => (segments || []).filter((id) => !String(id).startsWith("!"));

    function shortened(text) {
        const [page, fragment] = [text.slice(0, text.indexOf("#!")), text.slice(text.indexOf("#!") + 2)];
        try {
            const state = JSON.parse(fragment.startsWith("{") ? fragment : decodeURIComponent(fragment));
            const layers = state.layers
                .filter((layer) => String(layer.type).startsWith("segmentation"))
                .map(({type, name, source, segments}) => ({type, name, source, segments: selected(segments)}));
            const {dimensions, position} = state;
            return `${page}#!${encodeURIComponent(JSON.stringify({dimensions, position, layers}))}`;
        } catch {
            return text; // the server says what is wrong with it
        }
    }

    document.addEventListener("paste", (event) => {
        const text = event.clipboardData.getData("text").trim();
        if (!["cell-id", "search"].includes(event.target.id) || text.length <= LONG || !text.includes("#!")) return;
        event.preventDefault();
        const box = event.target;
        box.setRangeText(shortened(text), box.selectionStart, box.selectionEnd, "end");
        box.dispatchEvent(new InputEvent("input", {bubbles: true}));
    });
})();
