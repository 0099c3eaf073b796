"""How cases.json writes values of Python that JSON does not have."""
import base64
import datetime as dt
import math

import numpy as np
import pandas as pd

PLACE = "{SERVER}"
"""What stands for the address of the server."""


def decode(x, env):
    """JSON -> python.  {"$dt": iso} datetime, {"$array": [...], "dtype"} ndarray, {"$tuple": [...]}, {"$var": name}."""
    if isinstance(x, dict):
        if "$dt" in x:
            return dt.datetime.fromisoformat(x["$dt"])
        if "$array" in x:
            return np.array(decode(x["$array"], env), dtype=x.get("dtype"))
        if "$series" in x:
            return pd.Series(x["$series"], dtype=x.get("dtype"))
        if "$tuple" in x:
            return tuple(decode(x["$tuple"], env))
        if "$var" in x:
            return env[x["$var"]]
        return {k: decode(v, env) for k, v in x.items()}
    if isinstance(x, list):
        return [decode(v, env) for v in x]
    if isinstance(x, str) and PLACE in x:
        return x.replace(PLACE, env["server"])
    return x


def jsonable(x, server):
    """python -> JSON (the inverse, for results)."""
    if x is None or x is pd.NA or x is pd.NaT:
        return None
    if isinstance(x, (bool, np.bool_)):
        return bool(x)
    if isinstance(x, (int, np.integer)):
        return int(x)
    if isinstance(x, (float, np.floating)):
        return {"$float": str(float(x))} if not math.isfinite(x) else float(x)
    if isinstance(x, str):
        return x.replace(server, PLACE) if server else x
    if isinstance(x, bytes):
        return {"$bytes": base64.b64encode(x).decode()}
    if isinstance(x, (pd.Timestamp, dt.datetime)):
        return {"$dt": x.isoformat()}
    if isinstance(x, np.ndarray):
        return {"$array": jsonable(x.tolist(), server), "dtype": str(x.dtype)}
    if isinstance(x, pd.DataFrame):
        return {"$frame": {str(c): jsonable(list(x[c]), server) for c in x.columns}}
    if isinstance(x, pd.Series):
        return jsonable(list(x), server)
    if isinstance(x, dict):
        return {str(k): jsonable(v, server) for k, v in x.items()}
    if isinstance(x, (set, frozenset)):
        return sorted(jsonable(v, server) for v in x)
    if isinstance(x, (list, tuple)):
        return [jsonable(v, server) for v in x]
    if hasattr(x, "nodes") and hasattr(x, "edges"):
        return {"nodes": sorted(jsonable(n, server) for n in x.nodes), "edges": sorted(jsonable(list(e), server) for e in x.edges)}
    return {"$repr": type(x).__name__}
