// Completion of the query line: a list of column names, operators and values that fit what is being typed.
// The browser matches whole lines, so every offer is the line so far with its last word completed.
(function () {
    "use strict";
    const MOST = 40;
    const OPERATORS = ["=", "!=", ">", ">=", "<", "<=", "~", "in (", "not in (", "null", "not null"];
    const JOINS = ["and", "or"];
    const NAME = "[A-Za-z_][A-Za-z0-9_.]*";
    // a column, an operator, and perhaps some values of a list already
    const VALUE = new RegExp(`(${NAME})\\s*(?:!?[=~]|[<>]=?|\\bis\\b|\\bin\\s*\\((?:[^()]*,)?)\\s*$`, "i");
    const LAST = /(?:"[^"]*|[^\s()[\],=<>!~"]*)$/;

    function offers(line, words) {
        const last = LAST.exec(line)[0];
        const head = line.slice(0, line.length - last.length);
        const before = head.trimEnd();
        const value = VALUE.exec(head);
        const columns = Object.keys(words);
        let next = [...columns, "not"];
        if (value) next = words[value[1]] || [];
        else if (columns.includes(before.split(/[\s(]+/).pop())) next = OPERATORS;
        else if (before && !/(?:\(|\b(?:and|or|not))$/i.test(before)) next = JOINS;
        const typed = last.replace(/^"/, "").toLowerCase();
        const fit = next.filter((word) => word.replace(/^"/, "").toLowerCase().startsWith(typed));
        return fit.slice(0, MOST).map((word) => head + word);
    }

    function complete(input) {
        const list = document.getElementById("table-completion");
        const words = document.getElementById("table-words");
        if (!list || !words || !words.dataset.words) return;
        const options = offers(input.value, JSON.parse(words.dataset.words)).map((line) => {
            const option = document.createElement("option");
            option.value = line;
            return option;
        });
        list.replaceChildren(...options);
    }

    for (const kind of ["focusin", "input"]) {
        document.addEventListener(kind, (event) => {
            if (event.target.id === "table-where") complete(event.target);
        });
    }
})();
