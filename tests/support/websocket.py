"""A WebSocket without any library."""

import base64


class WebSocket:
    """As little of RFC 6455 as short texts need, over a socket that is connected."""

    def __init__(self, connection, path, host="localhost"):
        self._socket = connection
        self._file = self._socket.makefile("rb")
        key = base64.b64encode(bytes(16)).decode()
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\n"
                             f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
        self.status = int(self._file.readline().split()[1])
        while self._file.readline() != b"\r\n":
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self._socket.close()

    def send(self, payload, opcode=1):
        self._socket.sendall(bytes((0x80 | opcode, 0x80 | len(payload), 0, 0, 0, 0)) + payload)

    def receive(self):
        """Opcode and payload of the next frame; None at the end."""
        head = self._file.read(2)
        if len(head) < 2:
            return None
        return head[0] & 15, self._file.read(head[1])
