"""A WebSocket server for one connection at a time, as little of it as tests of clients need."""

import base64
import hashlib
import socket
import struct

from programs import PATIENCE

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Connection:
    """An accepted connection, after its request has been read; not answered yet."""

    def __init__(self, accepted):
        self._socket = accepted
        self._file = accepted.makefile("rb")
        self.request_line = self._file.readline().decode().strip()
        self.fields = {}
        while (line := self._file.readline().strip()):
            name, _, value = line.decode().partition(":")
            self.fields[name.lower()] = value.strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self._socket.close()

    def accept(self):
        key = base64.b64encode(hashlib.sha1(self.fields["sec-websocket-key"].encode() + MAGIC).digest()).decode()
        self._socket.sendall(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             f"Sec-WebSocket-Accept: {key}\r\n\r\n".encode())
        return self

    def refuse(self, status):
        self._socket.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())

    def send(self, payload, opcode=1):
        self._socket.sendall(bytes((0x80 | opcode, len(payload))) + payload)

    def close(self, status):
        self.send(struct.pack(">H", status), 8)

    def receive(self):
        """Opcode and payload of the next frame; None at the end."""
        head = self._file.read(2)
        if len(head) < 2:
            return None
        size = head[1] & 127
        if size > 125:
            size = int.from_bytes(self._file.read(2 if size == 126 else 8), "big")
        key = self._file.read(4)
        return head[0] & 15, bytes(b ^ key[i % 4] for i, b in enumerate(self._file.read(size)))


class WebSocketServer:
    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE)
        self.url = f"ws://127.0.0.1:{self._listener.getsockname()[1]}/"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()

    def next(self):
        """The next connection, with its request."""
        accepted, _ = self._listener.accept()
        accepted.settimeout(PATIENCE)
        return Connection(accepted)
