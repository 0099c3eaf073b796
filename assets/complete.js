// Completion of the query line: a list of column names, operators and values that fit the word being typed.
// Our own list, not a <datalist>: that one replaces the whole line, and shows all of it in every offer.
(function () {
    "use strict";
    const MOST = 40;
    const JOINS = ["and", "or"];
    const NAME = '("[^"]*"|[A-Za-z_][A-Za-z0-9_.]*)';
    const LISTED = `(?:\\s*(?:"[^"]*"|'[^']*'|[^\\s()[\\],"']+)\\s*,)*`;
    // a column, an operator, and perhaps some values of a list already
    const SIGN = "=|!=|==|<>|=[<>]|!?~|[<>]=?|[≠≥≤]|\\bis\\b(?:\\s+not\\b)?";
    const VALUE = new RegExp(`${NAME}\\s*(?:${SIGN}|(?:\\bnot\\s+)?\\bin(?:\\s*[([]|\\s)${LISTED})\\s*$`, "i");
    // a column, and what there is of an operator made of words
    const BEGUN = new RegExp(`${NAME}\\s+((?:not\\s+)?(?:in\\s+)?[a-z]*)$`, "i");
    const LIST = /\bin\s*(?:box|saved)?\s*[([][^()[\]]*$/i;
    const LAST = /^(?:[^"]|"[^"]*")*?("[^"]*|[^\s()[\],=<>!~"]*)$/;
    const REST = /^[^\s()[\],=<>!~"]*/;

    const bare = (word) => word.replace(/^"/, "").replace(/\s+/g, " ").toLowerCase();
    const beginning = (words, typed) => words.filter((word) => bare(word).startsWith(bare(typed)));

    // Words that begin with what is typed, then those that have it within.
    function having(words, typed) {
        const within = words.filter((word) => bare(word).indexOf(bare(typed)) > 0);
        return [...beginning(words, typed), ...within];
    }

    // What may stand after `head`, and fits the word `last` that is being typed.
    function following(head, last, words) {
        const before = head.trimEnd();
        if (VALUE.test(head) || LIST.test(head)) return having(valuesAfter(head, words), last);
        if (before && !/(?:[([]|\b(?:and|or|not))$/i.test(before)) return beginning(JOINS, last);
        return [...having(Object.keys(words), last), ...beginning(["not"], last)];
    }

    function valuesAfter(head, words) {
        const value = VALUE.exec(head);
        return (value && words[value[1]] && words[value[1]].values) || [];
    }

    // The offers at the cursor, and the line before what they complete.
    function offers(input) {
        const holder = document.getElementById(`${input.id}-words`);
        const words = JSON.parse((holder && holder.dataset.words) || "{}");
        const line = input.value.slice(0, input.selectionStart);
        const last = LAST.exec(line)[1];
        const head = line.slice(0, line.length - last.length);
        const [, column, begun] = BEGUN.exec(line) || [];
        const operators = words[column] ? beginning(words[column].operators, begun) : [];
        if (operators.length && !valuesAfter(head, words).length) {
            return {head: line.slice(0, line.length - begun.length), fit: operators};
        }
        const fit = following(head, last, words);
        return {head, fit: fit.length === 1 && fit[0] === last ? [] : fit.slice(0, MOST)};
    }

    const listOf = (input) => document.getElementById(`${input.id}-offers`);
    const chosenOf = (list) => list.querySelector("[aria-selected=true]");

    function close(input) {
        listOf(input).hidden = true;
        input.setAttribute("aria-expanded", "false");
        input.removeAttribute("aria-activedescendant");
    }

    function show(input) {
        const {fit} = offers(input);
        const list = listOf(input);
        close(input);
        if (!fit.length) return;
        const drawn = fit.map((word, at) => {
            const item = document.createElement("li");
            Object.assign(item, {id: `${list.id}-${at}`, role: "option", textContent: word});
            return item;
        });
        list.replaceChildren(...drawn);
        list.hidden = false;
        input.setAttribute("aria-expanded", "true");
    }

    // Chooses the next or last offer; beyond the ends none is, so that Enter shows the rows again.
    function step(input, by) {
        const list = listOf(input);
        const items = [...list.children];
        const chosen = chosenOf(list);
        const at = chosen ? items.indexOf(chosen) + by : by > 0 ? 0 : items.length - 1;
        if (chosen) chosen.removeAttribute("aria-selected");
        if (!items[at]) return input.removeAttribute("aria-activedescendant");
        items[at].setAttribute("aria-selected", "true");
        items[at].scrollIntoView({block: "nearest"});
        input.setAttribute("aria-activedescendant", items[at].id);
    }

    function take(input, word) {
        const {head} = offers(input);
        const following = input.value.slice(input.selectionStart);
        const more = word.endsWith("(") || LIST.test(head) || /^\S*\s/.test(following) ? "" : " ";
        input.setSelectionRange(head.length, input.selectionStart + REST.exec(following)[0].length);
        document.execCommand("insertText", false, word + more); // as if typed: Dash hears of it, and it can be undone
    }

    const completed = (event) => event.target.matches && event.target.matches(".k-completed input");

    document.addEventListener("focusin", (event) => {
        if (!completed(event)) return;
        const list = listOf(event.target);
        const is = {role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id};
        for (const [name, value] of Object.entries(is)) event.target.setAttribute(name, value);
    });
    document.addEventListener("input", (event) => completed(event) && show(event.target));
    for (const kind of ["focusout", "click"]) {
        document.addEventListener(kind, (event) => completed(event) && close(event.target));
    }
    document.addEventListener("mousedown", (event) => {
        const item = event.target.closest && event.target.closest(".k-completed [role=option]");
        if (!item) return;
        event.preventDefault(); // the focus stays where it is typed
        take(item.closest(".k-completed").querySelector("input"), item.textContent);
    });

    const STEPS = {ArrowDown: 1, ArrowUp: -1};
    const capturing = true; // before Dash hears of Enter
    document.addEventListener(
        "keydown",
        (event) => {
            if (!completed(event) || event.isComposing) return;
            const input = event.target;
            const list = listOf(input);
            const chosen = list.hidden ? null : chosenOf(list);
            if (event.key in STEPS) {
                if (list.hidden) show(input);
                if (!list.hidden) step(input, STEPS[event.key]);
            } else if (chosen && (event.key === "Enter" || (event.key === "Tab" && !event.shiftKey))) {
                take(input, chosen.textContent);
            } else {
                if (["Enter", "Escape", "ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) close(input);
                return;
            }
            event.preventDefault();
            event.stopPropagation();
        },
        capturing
    );
})();
