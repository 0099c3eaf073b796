// Runs before Neuroglancer's own scripts and hands it every state that the address asks for.
//
// Why not let the client read the address itself: while it restores a state for longer than 400 ms, its debounced
// writer of the address runs inside and throws at a half-restored annotation layer, and some other layer is lost. On
// a slow machine that happens to most links with annotations. So the client starts with an empty state; once it is
// at rest, the wanted state is delivered in one go with the clock stopped, so that the writer never finds its 400 ms
// over. States behind an address are fetched here first, because the client would restore them later, clock running.
'use strict';

// The client listens to events of a Python server. There is none, and it would say so at the foot of the page for ever.
window.EventSource = class {
  constructor() { setTimeout(() => this.onopen?.()); }
  close() {}
};

(() => {
  const PANEL = location.pathname.endsWith('/v/panel/');  // in a page, see services/neuroglancer/bundled_viewer.py
  const EMPTY = '#!{}', QUIET_MS = 500, POLL_MS = 50;
  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  let newest = 0;          // of several states asked for in a hurry, only the last is shown
  let delivering = false;

  const atRest = async () => {
    while (!window.viewer) await sleep(POLL_MS);
    const changed = window.viewer.state.changed;
    for (let count = -1, since = 0; performance.now() - since < QUIET_MS; await sleep(POLL_MS)) {
      if (changed.count !== count) { count = changed.count; since = performance.now(); }
    }
  };

  // The state behind `#!http...` or a path of this site, else null: a login (`middleauth+...`) and errors are the
  // client's business.
  const fetched = async (wanted) => {
    const address = /^#!((?:https?:\/\/|\/(?!\/)).+)$/.exec(wanted);
    if (!address) return null;
    try {
      const answer = await fetch(address[1], {credentials: 'omit'});
      return answer.ok ? await answer.json() : null;
    } catch { return null; }
  };

  const withStoppedClock = (act) => {
    const clock = Date.now, now = clock();
    Date.now = () => now;
    delivering = true;
    try { act(); } finally { delivering = false; Date.now = clock; }
  };

  // What is in the address itself, else null, and what the client should rather read, and complain of, by itself.
  const inline = (wanted) => {
    try { return JSON.parse(decodeURIComponent(wanted.slice(2))); } catch { return null; }
  };

  // Beside a table there is room for the cells themselves, and for what switches layers off.
  const asPanel = (state) => ({
    ...state, layout: '3d', showDefaultAnnotations: false, selectedLayer: {...state.selectedLayer, visible: false},
  });
  const furnish = () => { window.viewer.uiConfiguration.showTopBar.value = false; };

  const open = async (wanted) => {
    const turn = ++newest;
    const [found] = await Promise.all([fetched(wanted), atRest()]);
    if (turn !== newest) return;
    const given = found ?? (PANEL ? inline(wanted) : null);
    const state = PANEL && given ? asPanel(given) : given;
    if (PANEL) furnish();
    history.replaceState(null, '', wanted);
    withStoppedClock(() => {
      if (state === null) { window.dispatchEvent(new HashChangeEvent('hashchange')); return; }
      window.viewer.state.reset();
      window.viewer.state.restoreState(state);
    });
  };

  window.addEventListener('hashchange', (event) => {
    if (delivering) return;
    event.stopImmediatePropagation();
    open(location.hash);
  });

  const wanted = location.hash;
  history.replaceState(null, '', EMPTY);
  if (wanted.length > 2 && wanted !== EMPTY) open(wanted);
})();
