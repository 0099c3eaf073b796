// Plots, skeletons and facts wait until the rows are there and their place comes into view.
(function () {
    "use strict";
    const STEP_MS = 50;
    const PATIENCE_MS = 5000;
    const pause = () => new Promise((done) => setTimeout(done, STEP_MS));

    async function tell(place) {
        for (let waited = 0; waited < PATIENCE_MS && document.querySelector(".k-rows:not(.k-ready)"); waited += STEP_MS) await pause();
        if (place.isConnected) dash_clientside.set_props(place.dataset.later, {data: Date.now()});
    }

    const watched = new WeakSet();
    const inView = new IntersectionObserver((entries, observer) => {
        for (const {target, isIntersecting} of entries) {
            if (!isIntersecting) continue;
            observer.unobserve(target);
            tell(target);
        }
    });
    new MutationObserver(() => {
        for (const place of document.querySelectorAll("[data-later]")) {
            if (watched.has(place)) continue;
            watched.add(place);
            inView.observe(place);
        }
    }).observe(document, {childList: true, subtree: true});
})();
