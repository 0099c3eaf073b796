// Functions that grid options name.
const dagfuncs = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});

const forms = {};
const small = new Intl.NumberFormat("en-US", {maximumSignificantDigits: 4});

function fixed(decimals) {
    const digits = {minimumFractionDigits: decimals, maximumFractionDigits: decimals};
    return (forms[decimals] ||= new Intl.NumberFormat("en-US", digits));
}

// A number to read, with the decimals of its column, so that their points stand below each other. One that is not whole
// is never shown as whole, and one that is not 0 never as 0.
dagfuncs.number = function (value, decimals = 0) {
    if (value === null || value === undefined) return "";
    if (Number.isInteger(value)) return fixed(decimals).format(value);
    const shown = Math.max(decimals, 2);
    return (Math.abs(value) < 0.5 * 10 ** -shown ? small : fixed(shown)).format(value);
};
