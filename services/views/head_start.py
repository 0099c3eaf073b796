"""A head start: the cell of an address is read while the browser still loads the page that will request it."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from services.cave.client import Cave
from services.core.directions import SIDES
from services.views.addresses import CellAddress
from services.views.cell_view import CellView

MOST = 8
"""Cells that one process reads ahead at the same time; further pages have no head start."""

_pool = ThreadPoolExecutor(MOST, thread_name_prefix="head start")
_under_way: dict[tuple[str, ...], Future[Any]] = {}


def begin(cave: Cave, address: CellAddress) -> None:
    """Starts to read the cell of an address and the partner tables of its page, in the background. Errors are ignored
    here; they are raised again for the request that reads the view."""
    key = (*cave.whose, address.href())
    if not address.cell.strip() or key in _under_way or len(_under_way) >= MOST:
        return
    future = _pool.submit(_read, cave, address)  # outlives the request that started it
    _under_way[key] = future
    future.add_done_callback(lambda _: _under_way.pop(key, None))


def _read(cave: Cave, address: CellAddress) -> None:
    view, _ = CellView.of(cave, address).fitted()
    for side in SIDES:
        view.table(side)


def view(cave: Cave, address: CellAddress) -> CellView:
    """The view of an address; waits for the head start of that address, so that nothing is read twice."""
    if future := _under_way.get((*cave.whose, address.href())):
        wait([future])
    return CellView.of(cave, address)
