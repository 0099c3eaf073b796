"""Compare a DataFrame with the recorded one."""
from collections import Counter

import numpy as np
import pandas as pd


def col_family(s):
    t = str(s.dtype)
    if t.lower().startswith(("int", "uint")):
        return "int"
    if t.lower().startswith(("float", "double")):
        return "float"
    if t.lower().startswith("bool"):
        return "bool"
    if t.startswith("datetime"):
        return "datetime"
    if t.startswith("string") or t == "str":
        return "string"
    if t == "object":
        v = next((x for x in s if x is not None), None)
        if isinstance(v, (list, np.ndarray, tuple)):
            return "position"
        return "string" if isinstance(v, str) else "object"
    return t


def triple(v):
    if v is None or np.ndim(v) == 0:
        return [np.nan] * 3
    return [np.nan if x is None or x is pd.NA else float(x) for x in v]


def flatten(df):
    """position columns -> three float columns; everything to one dtype per family, so that frames can be sorted and compared."""
    out = {}
    for c in df.columns:
        s, f = df[c], col_family(df[c])
        if f == "position":
            a = np.array([triple(v) for v in s], dtype=float).reshape(len(df), -1)
            for i in range(a.shape[1]):
                out[f"{c}[{i}]"] = pd.Series(a[:, i])
        elif f == "float":
            out[c] = pd.Series(s.astype("Float64").to_numpy(dtype=float, na_value=np.nan))
        elif f == "int":
            out[c] = s.astype("Int64" if not str(s.dtype).lower().startswith("uint64") else "UInt64").reset_index(drop=True)
        elif f == "bool":
            out[c] = s.astype("boolean").astype("Int64").reset_index(drop=True)
        elif f == "datetime":
            v = pd.to_datetime(s, utc=True).astype("datetime64[ns, UTC]")
            out[c] = pd.Series(v.astype("int64").to_numpy()).where(v.notna().to_numpy(), other=-1).astype("Int64")
        else:
            out[c] = s.astype("string").reset_index(drop=True)
    return pd.DataFrame(out)


def sort_rows(d):
    exact = [c for c in d.columns if str(d[c].dtype) not in ("float64",)]
    # positions and whole numbers are exact too: use rounded floats last
    key = d.copy()
    fl = [c for c in d.columns if c not in exact]
    for c in fl:
        key[c] = key[c].round(3)
    order = [c for c in exact + fl]
    if not order or not len(d):
        return d.reset_index(drop=True)
    idx = key.reset_index(drop=True).sort_values(order, kind="stable", na_position="last").index
    return d.iloc[idx].reset_index(drop=True)


def values_equal(a, b, exact=False):
    """-> boolean array, True where equal (floats to 1e-6 relative; exact: positions)."""
    if str(a.dtype) == "float64" or str(b.dtype) == "float64":
        x = a.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
        y = b.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
        return (np.isnan(x) & np.isnan(y)) | np.isclose(x, y, rtol=1e-12 if exact else 1e-6, atol=1e-9)
    na = a.isna().to_numpy() & b.isna().to_numpy()
    eq = (a == b).fillna(False).to_numpy(dtype=bool)
    return na | eq


def compare_frames(exp, got, e, opts):
    """exp: recorded frame (possibly a superset of what may come), got: what came; e: the expectation."""
    bad = []
    ec, gc = list(e["columns"]), [str(c) for c in got.columns]
    if e.get("column_order") == "exact" or opts.strict_columns:
        if ec != gc:
            bad.append(f"columns {gc} != {ec}")
    if set(ec) != set(gc) or len(ec) != len(gc):
        return bad + [f"columns: missing {sorted(set(ec) - set(gc))} extra {sorted(set(gc) - set(ec))}"]
    for c in ec:
        ef, gf = e["families"][c], col_family(got[c])
        if opts.strict_dtypes and str(got[c].dtype) != e["dtypes"][c]:
            bad.append(f"dtype of {c}: {got[c].dtype}, recorded {e['dtypes'][c]}")
        if ef != gf and not (ef in ("object", "position") and gf in ("object", "position")):
            bad.append(f"dtype family of {c}: {gf} ({got[c].dtype}), recorded {ef} ({e['dtypes'][c]})")
    n = e["rows"]
    mode = e.get("match", "rows")
    if mode in ("rows", "any_n") and len(got) != n:
        bad.append(f"{len(got)} rows, recorded {n}")
    if bad:
        return bad
    got = got[ec]
    a, b = flatten(exp[ec]), flatten(got)
    if set(a.columns) != set(b.columns):
        if len(got) == 0 or len(exp) == 0:
            return bad
        return [f"inner columns {list(a.columns)} != {list(b.columns)}"]
    b = b[list(a.columns)]
    if mode == "rows" and len(a) != len(b):
        return [f"{len(b)} rows, {len(a)} in the recorded file"]
    if mode == "rows":
        if e.get("order") != "exact":
            a, b = sort_rows(a), sort_rows(b)
        for c in a.columns:
            ok = values_equal(a[c].reset_index(drop=True), b[c].reset_index(drop=True), exact="_position" in c)
            if not ok.all():
                i = int(np.argmin(ok))
                bad.append(f"{c}: {int((~ok).sum())} of {len(ok)} differ, first: got {b[c].iloc[i]!r}, recorded {a[c].iloc[i]!r}")
        return bad[:6]
    # any_n / subset: every row must be a row of the recorded superset (floats rounded to 4 significant decimals)
    def keys(d):
        d = d.copy()
        for c in d.columns:
            if str(d[c].dtype) == "float64":
                d[c] = d[c].map(lambda v: "nan" if v != v else "%.5g" % v if abs(v) < 1e5 and "_position" not in c else "%.0f" % v)
        return list(map(tuple, d.astype("object").where(d.notna(), None).itertuples(index=False)))
    have, want = Counter(keys(b)), Counter(keys(a))
    wrong = [k for k, m in have.items() if m > want.get(k, 0)]
    if wrong:
        bad.append(f"{len(wrong)} rows are not among the recorded ones, first {str(wrong[0])[:200]}")
    return bad
