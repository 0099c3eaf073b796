"""The HTTP requests that a case makes."""
import re
import threading
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests

from encoding import PLACE


class Traffic:
    def __init__(self):
        self.local = threading.local()
        self.sink = None
        self.lock = threading.Lock()

    def install(self):
        if getattr(requests.adapters.HTTPAdapter.send, "golden", False):
            return
        send = requests.adapters.HTTPAdapter.send
        me = self

        def wrapped(adapter, request, **kw):
            kw["timeout"] = kw.get("timeout") or (10, 180)      # caveclient itself never times out
            r = send(adapter, request, **kw)
            if me.sink is not None:
                try:
                    warn = [w for w in (r.raw.headers.getlist("Warning") if hasattr(r.raw.headers, "getlist") else [r.headers.get("Warning")]) if w]
                except Exception:
                    warn = []
                with me.lock:
                    me.sink.append({"method": request.method, "url": request.url, "status": r.status_code,
                                    "content_type": r.headers.get("Content-Type"), "warnings": warn})
            return r

        wrapped.golden = True
        requests.adapters.HTTPAdapter.send = wrapped


TRAFFIC = Traffic()


def tidy_http(log, server):
    out = []
    for x in log:
        u = urlsplit(x["url"])
        base = "" if f"{u.scheme}://{u.netloc}" == server else "{OTHER}"
        q = urlencode(sorted((k, "{TIME}" if k.startswith(("timestamp", "start_timestamp")) else v.replace(server, PLACE)) for k, v in parse_qsl(u.query, keep_blank_values=True)), safe="{}:/")
        d = {"method": x["method"], "path": base + re.sub(r"/nglstate/api/v1/(property/)?\d{6,}", r"/nglstate/api/v1/\1{STATE_ID}", u.path), "status": x["status"], "content_type": x["content_type"]}
        if q:
            d["query"] = q
        if x["warnings"]:
            d["warnings"] = x["warnings"]
        out.append(d)
    return out
