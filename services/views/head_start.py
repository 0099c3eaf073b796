"""A head start: the cell of an address is read while the page itself is still on its way to the browser and back."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from services.cave.client import Cave
from services.core.directions import SIDES
from services.views.addresses import CellAddress
from services.views.cell_view import CellView

MOST = 8
"""Cells that one process reads so at once; a page that comes meanwhile has no head start."""

_pool = ThreadPoolExecutor(MOST, thread_name_prefix="head start")
_under_way: dict[tuple[str, ...], Future[Any]] = {}


def begin(cave: Cave, address: CellAddress) -> None:
    """Begin to read the cell of an address and what its page shows first. Failures are reported to whoever asks for
    the view."""
    key = (*cave.whose, address.href())
    if not address.cell.strip() or key in _under_way or len(_under_way) >= MOST:
        return
    future = _pool.submit(_read, cave, address)  # not of this request, which ends before
    _under_way[key] = future
    future.add_done_callback(lambda _: _under_way.pop(key, None))


def _read(cave: Cave, address: CellAddress) -> None:
    view, _ = CellView.of(cave, address).fitted()
    for side in SIDES:
        view.table(side)


def view(cave: Cave, address: CellAddress) -> CellView:
    """The view of an address, after what was begun for it has ended, so that nothing is made twice."""
    if future := _under_way.get((*cave.whose, address.href())):
        wait([future])
    return CellView.of(cave, address)
