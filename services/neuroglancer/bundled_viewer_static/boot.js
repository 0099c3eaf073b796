// Runs before Neuroglancer's own scripts and hands it every state that the address asks for.
//
// Why not let the client read the address itself: while it restores a state for longer than 400 ms, its debounced
// writer of the address runs inside and throws at a half-restored annotation layer, and some other layer is lost. On
// a slow machine that happens to most links with annotations. So the client starts with an empty state; once it is
// at rest, the state asked for is delivered in one go with the clock stopped, so that the writer never finds its 400 ms
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
  const fetched = async (hash) => {
    const address = /^#!((?:https?:\/\/|\/(?!\/)).+)$/.exec(hash);
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
  const inline = (hash) => {
    try { return JSON.parse(decodeURIComponent(hash.slice(2))); } catch { return null; }
  };

  // Beside a table there is room for the cells themselves, and for what switches layers off.
  const asPanel = (state) => ({
    ...state, layout: '3d', showDefaultAnnotations: false, selectedLayer: {...state.selectedLayer, visible: false},
  });
  const furnish = () => { window.viewer.uiConfiguration.showTopBar.value = false; };

  const open = async (hash) => {
    const turn = ++newest;
    const [kept] = await Promise.all([fetched(hash), atRest()]);
    if (turn !== newest) return;
    const read = kept ?? (PANEL ? inline(hash) : null);
    const state = PANEL && read ? asPanel(read) : read;
    if (PANEL) furnish();
    history.replaceState(null, '', hash);
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

  const hash = location.hash;
  history.replaceState(null, '', EMPTY);
  if (hash.length > 2 && hash !== EMPTY) open(hash);
})();
