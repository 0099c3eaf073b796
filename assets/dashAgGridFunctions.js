// Functions that grid options name.
const dagfuncs = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});

const whole = new Intl.NumberFormat("en-US", {maximumFractionDigits: 0});
const ordinary = new Intl.NumberFormat("en-US", {maximumFractionDigits: 2});
const small = new Intl.NumberFormat("en-US", {maximumSignificantDigits: 4});

// A number to read: whole ones exactly, others with two decimals, or four digits below 1.
dagfuncs.number = function (value) {
    if (value === null || value === undefined) return "";
    if (Number.isInteger(value)) return whole.format(value);
    return (Math.abs(value) < 1 ? small : ordinary).format(value);
};
