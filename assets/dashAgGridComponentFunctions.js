// How grid cells are drawn. Every id is text.
var dagcomponentfuncs = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});

// A root id that leads to its page in the connectivity viewer; 0 is no cell.
dagcomponentfuncs.CellLink = function (props) {
    if (!props.value || props.value === "0") return props.value || null;
    return React.createElement(
        "a",
        {href: props.href.replace("ID", encodeURIComponent(props.value)), title: "Read this cell's partners"},
        props.value
    );
};
