"""Where a request ends, told from what has come of it so far."""

from __future__ import annotations

import re

MOST_MB = 8
"""Of a body: room for a hundred thousand pasted ids and what a page sends along."""
END_OF_HEAD = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
CODED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
CHUNK = re.compile(rb"([0-9a-f]{1,15})[^\r\n]{0,100}\r\n", re.IGNORECASE)
MOST_CHUNK_HEAD = 120


def bytes_to_come(data: bytes | bytearray, most_head: int, most_body: int) -> int | None:
    """How many bytes are still to come of the HTTP/1.1 request that `data` begins: at least so many, 0 if it is whole.

    None where it need not be read on, since it will be refused: its head has more than `most_head` bytes, its body
    more than `most_body`, or no length that can be read (RFC 9112, sections 6 and 7).
    """
    end = data.find(END_OF_HEAD, 0, most_head)
    if end < 0:
        return None if len(data) >= most_head else 1
    body = end + len(END_OF_HEAD)
    if CODED.search(data, 0, body):
        return None if len(data) - body > most_body else _to_come_in_chunks(data, body)
    length = LENGTH.search(data, 0, body)
    if length is None:
        return 0
    return None if int(length[1]) > most_body else max(0, body + int(length[1]) - len(data))


def _to_come_in_chunks(data: bytes | bytearray, position: int) -> int | None:
    """As `bytes_to_come`, of a body in chunks that begins at `position`."""
    while chunk := CHUNK.match(data, position):
        size = int(chunk[1], 16)
        if size == 0:  # after the last there may be trailers, until an empty line
            return 0 if data.find(END_OF_HEAD, chunk.end() - 2) >= 0 else 1
        position = chunk.end() + size + 2
    head = data[position : position + MOST_CHUNK_HEAD]
    return None if b"\r\n" in head or len(head) == MOST_CHUNK_HEAD else max(1, position - len(data))
