"""Compare what came of a case with what was recorded."""
import ast
import json
import math
from collections import Counter

from encoding import jsonable
from frames import compare_frames


def compare_json(a, b, path="", ignore=(), unordered=True):
    """a recorded, b got -> list of differences"""
    if isinstance(a, dict) and isinstance(b, dict):
        out = []
        ka, kb = set(a) - set(ignore), set(b) - set(ignore)
        if ka - kb:
            out.append(f"{path or '.'}: missing keys {sorted(ka - kb)[:8]}")
        if kb - ka:
            out.append(f"{path or '.'}: extra keys {sorted(kb - ka)[:8]}")
        for k in sorted(ka & kb):
            out += compare_json(a[k], b[k], f"{path}.{k}", ignore, unordered)
        return out[:8]
    if isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            return [f"{path}: {len(b)} entries, recorded {len(a)}"]
        if unordered:
            ident = lambda x: json.dumps(strip(x, ignore), sort_keys=True, default=str)
            a, b = sorted(a, key=ident), sorted(b, key=ident)
        out = []
        for i, (x, y) in enumerate(zip(a, b)):
            out += compare_json(x, y, f"{path}[{i}]", ignore, unordered)
            if len(out) > 4:
                break
        return out
    if isinstance(a, bool) or isinstance(b, bool):
        return [] if a is b else [f"{path}: got {b!r}, recorded {a!r}"]
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        if isinstance(a, int) and isinstance(b, int):
            return [] if a == b else [f"{path}: got {b!r}, recorded {a!r}"]
        return [] if math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9) else [f"{path}: got {b!r}, recorded {a!r}"]
    return [] if a == b else [f"{path}: got {str(b)[:160]!r}, recorded {str(a)[:160]!r}"]


def strip(x, ignore):
    if isinstance(x, dict):
        return {k: strip(v, ignore) for k, v in x.items() if k not in ignore}
    if isinstance(x, list):
        return [strip(v, ignore) for v in x]
    return x


def norm_attrs(a):
    """df.attrs -> JSON; column_names is a python repr of a dict on the wire."""
    a = dict(a)
    if isinstance(a.get("column_names"), str):
        try:
            a["column_names"] = ast.literal_eval(a["column_names"])
        except (ValueError, SyntaxError):
            pass  # no dict: compared as the text that it is
    return a


VOLATILE_ATTRS = ("table_id", "table_created", "id", "created")


def compare(case, o, load, opts, server):
    e = case["expect"]
    kind = e["kind"]
    if o["kind"] != kind:
        d = o["error"] if o["kind"] == "error" else (f"{len(o['frame'])} rows" if o["kind"] == "frame" else str(o["value"])[:160])
        return [f"got {o['kind']} ({str(d)[:300]}), recorded {kind}" + (f" {e.get('class')} {e.get('status')} {e.get('prefix', '')!r}" if kind == "error" else "")]
    bad = []
    if kind == "frame":
        diff = compare_frames(load(e["file"]), o["frame"], e, opts)
        if diff and "alt_rename" in e:            # the real server hands out these suffixes in either order
            diff = diff and compare_frames(load(e["file"]), o["frame"].rename(columns=e["alt_rename"]), e, opts)
        bad += diff
        attrs = jsonable(norm_attrs(o["frame"].attrs), server)
        want = e.get("attrs", {})
        if set(attrs) != set(want):
            bad.append(f"df.attrs keys: missing {sorted(set(want) - set(attrs))} extra {sorted(set(attrs) - set(want))}")
        else:
            for k in (want if opts.strict_attrs else [k for k in ("dataframe_resolution", "join_query") if k in want]):
                bad += compare_json(want[k], attrs[k], f"attrs.{k}", VOLATILE_ATTRS, unordered=False)
    elif kind == "value":
        v = o["value"]
        if e.get("only_type"):
            t = type(v).__name__
            bad += [] if t == e["only_type"] else [f"got a {t}, recorded a {e['only_type']}"]
        else:
            bad += compare_json(e["value"], v, "", tuple(case.get("ignore", ())), unordered=case.get("order", "any") != "exact")
    else:
        g = o["error"]
        if g["family"] != e["family"]:
            bad.append(f"error {g['class']} ({g['family']}), recorded {e['class']} ({e['family']}); message {g['message'][:160]!r}")
        if e.get("status") is not None and g["status"] != e["status"]:
            bad.append(f"status {g['status']}, recorded {e['status']}; message {g['message'][:160]!r}")
        if e.get("prefix") and (opts.strict_errors or not e.get("internal")) and not g["message"].startswith(e["prefix"]):
            bad.append(f"message {g['message'][:160]!r} does not start with {e['prefix']!r}")
        if e.get("error_code") and g.get("error_code") != e["error_code"]:
            bad.append(f"error code {g.get('error_code')!r}, recorded {e['error_code']!r}")
    if case.get("check_warnings"):
        got = sorted({w[:28] for h in o["http"] for w in h.get("warnings", [])})
        want = sorted({w[:28] for w in e.get("warnings", [])})
        if got != want:
            bad.append(f"Warning headers {got}, recorded {want}")
    if e.get("opened") and not o.get("opened"):
        bad.append("the client did not open the terms-of-service page")
    if opts.http:
        short = lambda h: [f"{x['method']} {x['path']} {x['status']} {(x.get('content_type') or '').split(';')[0]}" for x in h]
        a, b = Counter(short(case.get("http", []))), Counter(short(o["http"]))
        if a != b:
            bad.append(f"HTTP: missing {dict(list((a - b).items())[:3])} extra {dict(list((b - a).items())[:3])}")
    return bad
