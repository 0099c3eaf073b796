// Dragging over the bars of a small histogram keeps the range from the first bar to the last.
(function () {
    "use strict";
    let from = null;
    let dragged = false;

    const bar = (event) => event.target.closest && event.target.closest(".k-histogram a");
    const between = (bars, a, b) => bars.slice(Math.min(a, b), Math.max(a, b) + 1);

    function brushed(to) {
        const bars = [...from.parentElement.querySelectorAll("a")];
        return between(bars, bars.indexOf(from), bars.indexOf(to));
    }

    document.addEventListener("pointerdown", (event) => {
        from = event.button ? null : bar(event);
        dragged = false;
    });

    document.addEventListener("pointerover", (event) => {
        const to = bar(event);
        if (!from || !event.buttons || !to || to.parentElement !== from.parentElement) return;
        dragged = dragged || to !== from;
        const bars = new Set(brushed(to));
        for (const other of from.parentElement.querySelectorAll("a")) {
            other.classList.toggle("k-brushed", dragged && bars.has(other));
        }
    });

    document.addEventListener("pointerup", (event) => {
        const to = bar(event);
        if (from && dragged && to && to.parentElement === from.parentElement) {
            const bars = brushed(to);
            const low = bars[0].dataset.box.split("..")[0];
            const high = bars[bars.length - 1].dataset.box.split("..")[1];
            karst.change([[`f.${from.dataset.column}`, [`${low}..${high}`]]]);
        }
        from = null;
    });

    document.addEventListener("dragstart", (event) => {
        if (bar(event)) event.preventDefault();
    });
})();
