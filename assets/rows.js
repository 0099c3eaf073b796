// Rows first: the first block of a grid comes with the page's answer and is drawn at once as a plain table, with the
// grid's own columns and cells. The grid, whose code is large, follows when these rows are on the screen.
(function () {
    "use strict";
    const blocks = {}; // the id of a grid: its first block, with the request that it answers once the grid has asked
    const PATIENCE_MS = 5000;
    const address = document.currentScript.dataset.grid;

    const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
    const text = (id) => JSON.stringify(id, Object.keys(id).sort()); // as Dash writes it

    function cell(column, row) {
        const value = row[column.field];
        const draw = dashAgGridComponentFunctions[column.cellRenderer];
        if (draw) return draw({...column.cellRendererParams, value, data: row});
        if (column.valueFormatter) return dashAgGridFunctions.number(value, column.context.decimals);
        return value === null || value === undefined ? null : String(value);
    }

    // The first rows with the titles and boxes of the grid, drawn where the grid will be.
    function sketch(place, {grid, block}) {
        const h = React.createElement;
        const {dashGridOptions: options, columnDefs} = grid.props;
        const hidden = new Set(options.initialState.columnVisibility.hiddenColIds);
        const typed = options.initialState.filter.filterModel;
        const columns = columnDefs.filter((column) => !hidden.has(column.field));
        const ticks = options.rowSelection ? [h("col", {key: "", style: {width: options.selectionColumnDef.width}})] : [];
        const many = Math.ceil(place.clientHeight / options.rowHeight);
        const ofTicks = (tag) => (ticks.length ? [h(tag, {key: "", className: "k-tick"})] : []);
        const kind = (column) => [column.cellClass, column.type === "rightAligned" && "k-number"].filter(Boolean).join(" ");
        const line = (row, at) =>
            h("tr", {key: at, className: row["k-marked"] ? "k-marked" : ""}, ofTicks("td"),
                columns.map((column) => h("td", {key: column.field, className: kind(column)}, cell(column, row))));
        const width = columns.reduce((sum, column) => sum + column.width, ticks.length ? options.selectionColumnDef.width : 0);
        return h("table", {style: {width}, "aria-label": options.localeText.ariaLabel},
            h("colgroup", null, ticks, columns.map(({field, width}) => h("col", {key: field, style: {width}}))),
            h("thead", null,
                h("tr", null, ofTicks("td"), columns.map((column) =>
                    h("th", {key: column.field, scope: "col", className: kind({type: column.type})}, column.headerName))),
                h("tr", {className: "k-boxes"}, ofTicks("td"), columns.map(({field}) =>
                    h("td", {key: field}, h("span", null, (typed[field] || {}).filter))))),
            h("tbody", null, block.rowData.slice(0, many).map(line)));
    }

    // Takes the first rows away when the grid has its own.
    async function hand(over, root, many) {
        const end = Date.now() + PATIENCE_MS;
        const filled = () => [...over.querySelectorAll(".ag-row .ag-cell")].some((cell) => cell.textContent);
        const isThere = () => (many ? filled() : over.querySelector(".ag-header"));
        while (over.isConnected && !isThere() && Date.now() < end) await painted();
        root.unmount();
        over.classList.add("k-ready");
    }

    window.dash_clientside = Object.assign({}, window.dash_clientside, {
        rows: {
            // Draws the first rows, then gives the grid to Dash.
            first: async function (data) {
                const id = data.grid.props.id;
                const slot = document.getElementById(text({...id, type: id.type.replace("-rows", "-place")}));
                const [over, place] = [slot.parentElement, slot.previousElementSibling];
                const root = ReactDOM.createRoot(place);
                root.render(sketch(over, data));
                blocks[text(id)] = {block: data.block};
                await painted();
                await karst.load(address);
                hand(over, root, data.block.rowData.length);
                return data.grid;
            },
            // Answers the grid with the first block, as often as it asks for that; what is asked of the server for others.
            answer: function (request, id) {
                const first = blocks[text(id)];
                if (!request || !first || request.startRow !== 0) return request || dash_clientside.no_update;
                const requested = JSON.stringify([request.filterModel, request.sortModel]);
                first.requested ||= requested;
                if (first.requested !== requested) return request;
                dash_clientside.set_props(id, {getRowsResponse: first.block});
                return dash_clientside.no_update;
            },
            // The first block of a grid is no more what the server would answer.
            forget: (id) => delete blocks[text(id)],
        },
    });
})();
