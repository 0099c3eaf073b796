"""Where a request ends, told from what has come of it so far."""

from __future__ import annotations

import h11

MOST_MB = 8
"""Of a body: room for a hundred thousand pasted ids and what a page sends along."""
MOST_HEAD, MOST_BODY = 2**16, MOST_MB * 2**20
"""Bytes of a request."""
MOST_CHUNKS = 100_000
"""Of a body that comes in chunks: each takes 15 microseconds to read."""


class Incoming:
    """An HTTP/1.1 request of which a part has come, and perhaps a part of the next one."""

    def __init__(self) -> None:
        self.data = bytearray()
        """All that has come."""
        self.has_head = False
        self.is_whole = False
        self.is_refused = False
        """It will be, so it need not be read on: it is larger than may be, or cannot be understood."""
        self._reader = h11.Connection(h11.SERVER, max_incomplete_event_size=MOST_HEAD)
        self._body = self._chunks = 0

    def take(self, piece: bytes) -> None:
        """Reads on; nothing if `piece` is empty, as it is where the client has ended."""
        self.data += piece
        try:
            if piece:
                self._reader.receive_data(piece)
            while not (self.is_whole or self.is_refused):
                event = self._reader.next_event()
                if event is h11.NEED_DATA:
                    return
                self._count(event)
        except h11.RemoteProtocolError:
            self.is_refused = True

    @property
    def is_waited_for(self) -> bool:
        """Whether the client wants to be told to go on before it sends its body (RFC 9110, section 10.1.1)."""
        return self._reader.they_are_waiting_for_100_continue

    def _count(self, event: object) -> None:
        if isinstance(event, h11.Request):
            self.has_head = True
            lengths = [value for name, value in event.headers if name == b"content-length"]
            self.is_refused = any(int(length) > MOST_BODY for length in lengths)
        elif isinstance(event, h11.Data):
            self._body += len(event.data)
            self._chunks += event.chunk_start
            self.is_refused = self._body > MOST_BODY or self._chunks > MOST_CHUNKS
        else:  # its end, or that what comes next is no request
            self.is_whole = True
