"""Where a request ends, told from what has come of it so far."""

from __future__ import annotations

import re

MOST_MB = 8
"""Of a body: room for a hundred thousand pasted ids and what a page sends along."""
END_OF_HEAD = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*\r\n", re.IGNORECASE)
CODED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
EXPECTS = re.compile(rb" HTTP/1\.1\r\n(?:.*\r\n)?expect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE | re.DOTALL)
CHUNK = re.compile(rb"([0-9a-f]+)(?:[ \t]*;[^\r\n]*)?", re.IGNORECASE)
MOST_CHUNK_LINE = 120


class Incoming:
    """An HTTP/1.1 request of which a part has come, and perhaps a part of the next one (RFC 9112, sections 6 and 7).

    A head may have `most_head` bytes, and a body `most_body`.
    """

    def __init__(self, most_head: int, most_body: int, data: bytes = b"") -> None:
        self.data = bytearray(data)
        self.most_head, self.most_body = most_head, most_body
        self.body = 0
        """Where the body begins; 0 until the head has come."""
        self._length: int | None = 0
        self.chunk = 0
        """Where the first chunk begins that has not been read."""

    def bytes_to_come(self) -> int | None:
        """How many bytes are still to come: at least so many, 0 if it is whole.

        None where it need not be read on, since it will be refused: it is larger than may be, has no length that can
        be read, or a line that does not end as lines do.
        """
        if not self.body:
            end = self._end_of_lines(0)
            if not end:
                return None if end is None else 1
            self.body = self.chunk = end
            self._length = self._length_told()
        if self._length is None:
            return self._to_come_in_chunks()
        return None if self._length > self.most_body else max(0, self.body + self._length - len(self.data))

    def is_waited_for(self) -> bool:
        """Whether the client wants to be told to go on before it sends its body (RFC 9110, section 10.1.1)."""
        return 0 < self.body == len(self.data) and bool(EXPECTS.search(self.data, 0, self.body))

    def _length_told(self) -> int | None:
        """The length of the body in bytes; None if it comes in chunks."""
        if CODED.search(self.data, 0, self.body):
            return None
        length = LENGTH.search(self.data, 0, self.body)
        digits = length[1].lstrip(b"0") if length else b""
        return int(digits[:18] or b"0")  # of more digits, these are too many too

    def _end_of_lines(self, start: int) -> int | None:
        """Where the empty line ends that ends those which begin at `start`; 0 if it has not come, None if it is too far
        away, or a line ends in a line feed alone."""
        end = self.data.find(END_OF_HEAD, start, start + self.most_head)
        if end >= 0:
            return end + len(END_OF_HEAD)
        is_bare = self.data.count(b"\n", start) != self.data.count(b"\r\n", start)
        return None if is_bare or len(self.data) - start >= self.most_head else 0

    def _to_come_in_chunks(self) -> int | None:
        if len(self.data) - self.body > self.most_body + self.most_head:  # so much that more than a body has come
            return None
        while (end := self.data.find(b"\r\n", self.chunk, self.chunk + MOST_CHUNK_LINE)) >= 0:
            line = CHUNK.fullmatch(self.data, self.chunk, end)
            if line is None:
                return None
            size = int(line[1], 16)
            if size == 0:  # after the last there may be trailers, until an empty line
                trailers = self._end_of_lines(end)
                return None if trailers is None else int(not trailers)
            self.chunk = end + size + 4
        return None if len(self.data) - self.chunk >= MOST_CHUNK_LINE else max(1, self.chunk - len(self.data))
