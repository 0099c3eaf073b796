"""Make the calls of a case, and describe what came of them."""
import json
import re
import sys
import traceback

import pandas as pd
import requests

from encoding import PLACE, decode, jsonable
from traffic import TRAFFIC, tidy_http


class Runner:
    def __init__(self, servers, tokens, cold=False):
        self.servers, self.tokens, self.cold = servers, tokens, cold
        self.clients = {}
        import caveclient
        import caveclient.tools.table_manager  # noqa: F401
        import caveclient.skeletonservice  # noqa: F401
        import gc
        from cachetools import TTLCache
        self.CAVEclient = caveclient.CAVEclient
        self.caches = [o for o in gc.get_objects() if isinstance(o, TTLCache)]
        self.last_cache_server = None
        import webbrowser
        self.opened = []
        webbrowser.open = lambda url, *a, **k: (self.opened.append(url), True)[1]
        TRAFFIC.install()

    def clear_caches(self):
        for c in self.caches:
            c.clear()
        self.clients.clear()

    def make_client(self, spec, server):
        kw = dict(spec or {})
        tok = kw.pop("token", "full")
        if isinstance(tok, str):
            tok = self.tokens.get(tok, tok)
        args = [kw.pop("datastack")] if kw.get("datastack") else []
        kw.pop("datastack", None)
        return self.CAVEclient(*args, server_address=server, auth_token=tok, write_server_cache=False, **kw)

    def client(self, spec, server):
        key = json.dumps([spec, server], sort_keys=True)
        if key not in self.clients:
            self.clients[key] = self.make_client(spec, server)
        return self.clients[key]

    @staticmethod
    def walk(obj, path):
        for p in [p for p in path.split(".") if p]:
            obj = obj[p[1:-1]] if p.startswith("[") else getattr(obj, p)
        return obj

    def one_call(self, root, step, env):
        f = self.walk(root, step["call"])
        if step.get("read"):
            return f
        return f(*decode(step.get("args", []), env), **decode(step.get("kwargs", {}), env))

    def raw_http(self, kw, server, env):
        kw = decode(kw, env)
        h = dict(kw.get("headers") or {})
        tok = kw.get("token")
        if tok:
            h["Authorization"] = "Bearer " + self.tokens.get(tok, tok)
        r = requests.request(kw["method"], server + kw["path"], params=kw.get("params"), headers=h, json=kw.get("json"), data=kw.get("data"), allow_redirects=False, timeout=60)
        out = {"status": r.status_code, "content_type": (r.headers.get("Content-Type") or "").split(";")[0]}
        for n in kw.get("want_headers", []):
            out["header:" + n] = r.headers.get(n)
        if kw.get("body", "json") == "json":
            try:
                j = r.json()
                if isinstance(j, dict):
                    j.pop("traceback", None)
                    m = re.match(r"\d{3} [A-Z][A-Za-z ]+", str(j.get("message")))
                    if r.status_code >= 400 and m:
                        j["message"] = m[0]
                out["json"] = j
            except ValueError:
                if r.status_code < 300:
                    out["text"] = r.text[:80]
        elif kw["body"] == "arrow":
            import pyarrow as pa
            t = pa.ipc.open_stream(r.content).read_all()
            out["arrow"] = {"columns": t.schema.names, "types": [str(f.type) for f in t.schema], "rows": t.num_rows}
        return out

    def warm_up(self, server, datastack="golden"):
        """Touch every table of every version, targets of references first (see README: cold processes of the real server)."""
        c = self.make_client({"datastack": datastack}, server)
        for v in c.materialize.get_versions(expired=True):
            md = {t["table_name"]: t for t in c.materialize.get_tables_metadata(version=v)}
            depth = lambda t: 0 if t not in md or not md[t].get("reference_table") else 1 + depth(md[t]["reference_table"])
            for t in sorted(md, key=depth):
                try:
                    c.materialize.query_table(t, materialization_version=v, merge_reference=False, filter_equal_dict={"id": 1}, log_warning=False)
                except Exception as error:  # whatever it is, the first question of the pack will tell
                    print(f"{t} of version {v}: {error!r}", file=sys.stderr)

    def run(self, case, env):
        """-> (result, client)"""
        server = env["server"]
        call = case["call"]
        if call == "HTTP":
            return self.raw_http(case["kwargs"], server, env)
        if call == "CAVEclient":
            c = self.make_client(case.get("client"), server)
            return {p: self.walk(c, p) for p in case.get("get", [])}
        c = self.client(case.get("client"), server)
        if self.cold and TRAFFIC.sink is not None:
            TRAFFIC.sink.clear()                      # requests of the construction are not part of the case
        if "paged" in case:
            out, off, n = [], 0, case["paged"]
            f = self.walk(c, call)
            while True:
                d = f(*decode(case.get("args", []), env), **decode(case.get("kwargs", {}), env), limit=n, offset=off or None)
                out.append(d)
                off += n
                if len(d) < n or off > 10**6:
                    break
            r = pd.concat(out, ignore_index=True)
            r.attrs = dict(out[0].attrs)
            return r
        for s in case.get("before", []):
            r = self.one_call(c, s, env)
            if s.get("as"):
                env[s["as"]] = r
        r = self.one_call(c, case, env)
        for s in case.get("then", []):
            r = self.one_call(r, s, env)
        if "get" in case:
            r = {p: self.walk(r, p) for p in case["get"]}
        return r

    def observe(self, case):
        """Run a case; -> dict(kind=frame|value|error, ...)."""
        server = self.servers[case.get("profile", "default")]
        if self.cold or self.last_cache_server != server:
            self.clear_caches()                       # caveclient caches metadata per process, not per server
            self.last_cache_server = server
        env = {"server": server}
        TRAFFIC.sink = []
        self.opened.clear()
        o = {}
        try:
            r = self.run(case, env)
            if isinstance(r, pd.DataFrame):
                o = {"kind": "frame", "frame": r}
            else:
                o = {"kind": "value", "value": jsonable(r, server)}
        except Exception as e:
            o = {"kind": "error", "error": describe_error(e, server), "trace": traceback.format_exc()}
        o["http"] = tidy_http(TRAFFIC.sink, server)
        TRAFFIC.sink = None
        if self.opened:
            o["opened"] = [u.replace(server, PLACE) for u in self.opened]
        return o


def describe_error(e, server):
    resp = getattr(e, "response", None)
    status = getattr(resp, "status_code", None)
    msg = str(e)
    body = None
    if resp is not None:
        try:
            body = resp.json()
        except Exception:
            body = None
        if isinstance(body, dict):
            msg = body.get("message") or ("schema_errors" if "schema_errors" in body else body.get("error")) or ""
        elif isinstance(body, str):
            msg = body
        else:
            msg = (resp.text or "")[:200]
    msg = str(msg).replace(server, PLACE)
    return {"class": type(e).__name__, "family": family(e), "status": status, "message": msg, "error_code": body.get("error") if isinstance(body, dict) and isinstance(body.get("error"), str) else None}


def family(e):
    names = [c.__name__ for c in type(e).__mro__]
    for n in ("AuthException", "ServerIncompatibilityError", "HTTPError", "ConnectionError", "JSONDecodeError"):
        if n in names:
            return n
    for n in ("AssertionError", "AttributeError", "KeyError", "IndexError", "TypeError", "ValueError"):
        if n in names:
            return n
    return names[0]
