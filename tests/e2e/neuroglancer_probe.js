// What the real client made of its state: one function expression, () => Promise of a JSON string
// {done, errors, state, layers: [{name, type, ready, colour, segments, visible, annotations: {count, first}}], colours}.
// `done` is true once nothing is loading any more; ask until it is so twice in a row.
async () => {
  const ERROR = 2;                                         // severity of a layer's message
  const STATES = 8, NUMBERS_PER_STATE = 9;                 // of chunks, in the client's statistics
  const FAILED = 6, LOADING = [3, 4, 5];
  const FIRST = 200;                                       // annotations that are listed in full
  const viewer = window.viewer;
  if (!viewer) return JSON.stringify({done: false, errors: [], layers: []});
  const errors = [];
  let loading = !viewer.isReady();

  const shaderErrors = (layer) => [layer.shaderError, layer.displayState?.shaderError, layer.annotationDisplayState?.shaderError]
    .map((watched) => watched?.value).filter(Boolean).map((error) => `shader: ${error.log ?? error.message ?? error}`);

  const layers = viewer.layerManager.managedLayers.map((managed) => {
    const layer = managed.layer;
    const summary = {name: managed.name, type: layer.type, ready: managed.isReady()};
    const complain = (what) => errors.push(`${managed.name}: ${what}`);
    for (const source of layer.dataSources) {
      if (source.loadState === undefined) loading ||= source.spec.url !== '';
      else if (source.loadState.error) complain(source.loadState.error.message);
    }
    for (const message of layer.messages) if (message.severity >= ERROR) complain(message.message);
    shaderErrors(layer).forEach(complain);
    const group = layer.displayState?.segmentationGroupState?.value;
    if (group) {
      summary.segments = Array.from(group.selectedSegments, String);
      summary.visible = Array.from(group.visibleSegments, String);
      const known = group.segmentPropertyMap.value?.segmentPropertyMap.inlineProperties;
      summary.properties = known && {count: known.ids.length, tags: known.properties.find((p) => p.type === 'tags')?.tags ?? []};
    }
    if (layer.localAnnotations) {
      const all = Array.from(layer.localAnnotations);
      const first = all.slice(0, FIRST).map((a) => ({
        id: a.id, point: Array.from(a.point), properties: a.properties, description: a.description ?? null,
        segments: (a.relatedSegments ?? []).map((ids) => Array.from(ids, String)),
      }));
      summary.annotations = {count: all.length, first};
      summary.colour = layer.annotationDisplayState.color.toJSON();
    }
    return summary;
  });

  for (const item of document.querySelectorAll('#neuroglancer-status-container li')) {
    if (item.style.display !== 'none' && item.textContent && !item.textContent.startsWith('Loading')) errors.push(`status: ${item.textContent}`);
  }

  for (const [, numbers] of await viewer.chunkQueueManager.getStatistics()) {
    const count = (state) => numbers[state * NUMBERS_PER_STATE];
    if (LOADING.some((state) => state < STATES && count(state))) loading = true;
    if (count(FAILED)) errors.push(`${count(FAILED)} chunks (meshes, skeletons or image) failed to load`);
  }

  // The drawing buffer is not kept, so draw and read in one go.
  viewer.display.draw();
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 200;
  const context = canvas.getContext('2d');
  context.drawImage(viewer.display.canvas, 0, 0, canvas.width, canvas.height);
  const pixels = new Uint32Array(context.getImageData(0, 0, canvas.width, canvas.height).data.buffer);

  const plain = (key, value) => typeof value === 'bigint' ? String(value) : value;
  return JSON.stringify({
    done: layers.length > 0 && (!loading || errors.length > 0), errors, layers,
    state: viewer.state.toJSON(), colours: new Set(pixels).size,
  }, plain);
}
