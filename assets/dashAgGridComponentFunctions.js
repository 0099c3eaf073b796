// How grid cells are drawn. Every id is text.
const dagcomponentfuncs = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});

// A root id that leads to its page in the connectivity viewer; 0 is no cell.
dagcomponentfuncs.CellLink = function (props) {
    if (!props.value || props.value === "0") return props.value || null;
    return React.createElement(
        "a",
        {href: props.href.replace("ID", encodeURIComponent(props.value)), title: "Read this cell's partners"},
        props.value
    );
};

// A number of synapses that leads to the list of them, beside what is shown.
dagcomponentfuncs.SynapsesLink = function (props) {
    if (!props.value) return props.value === 0 ? "0" : null;
    return React.createElement(
        "a",
        {
            href: `?${new URLSearchParams({partner: props.data.root_id})}`,
            "data-keep": "partner",
            title: "List these synapses",
        },
        dashAgGridFunctions.number(props.value)
    );
};

// A value with its colour.
dagcomponentfuncs.Coloured = function (props) {
    if (props.value === null || props.value === undefined) return null;
    const group = String(props.value).startsWith("several: ") ? "several" : props.value;
    const swatch = {className: "k-swatch", style: {backgroundColor: props.colours[group]}};
    return React.createElement(React.Fragment, null, React.createElement("span", swatch), String(props.value));
};
