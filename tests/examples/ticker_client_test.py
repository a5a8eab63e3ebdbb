"""ticker_client follows a stream through its interruptions. COAX_EXAMPLES names the folder of its binary."""

import pathlib
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from programs import Program  # noqa: E402
from websocket_server import WebSocketServer  # noqa: E402


class TickerClient(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(WebSocketServer())

    def test_it_connects_again_until_it_has_enough(self):
        with Program("ticker_client", "--count", "3", "--max-delay", "20", "--send", "subscribe", self.server.url) as client:
            with self.server.next() as c:
                c.accept()
                self.assertEqual(c.receive(), (1, b"subscribe"))
                c.send(b"price 1")
                c.send(b"\0\1", 2)
                client.says("price 1\n")
                c.close(1012)
                client.says("closed with 1012")
            with self.server.next() as c:
                pass  # no answer at all
            with self.server.next() as c:
                c.refuse("503 Service Unavailable")
            with self.server.next() as c:
                c.accept()
                self.assertEqual(c.receive(), (1, b"subscribe"))
                c.send(b"price 3")
                self.assertEqual(c.receive(), (8, b"\x03\xe8"))
                c.close(1000)
            self.assertEqual(client.exit_code(), 0)
            self.assertIn("(2 bytes)\n", client.output)
            self.assertIn("price 3\n", client.output)

    def test_fields_of_json(self):
        with Program("ticker_client", "--count", "2", "--field", "p", "--field", "trade.size", self.server.url) as client:
            with self.server.next() as c:
                c.accept().send(b'{"p":"1.5","trade":{"size":7}}')
                c.send(b'{"p":[2]}')
                c.receive()
                c.close(1000)
            self.assertEqual(client.exit_code(), 0)
            self.assertIn("1.5 7\n", client.output)
            self.assertIn("[2] -\n", client.output)

    def test_a_refusal_for_good_ends_it(self):
        with Program("ticker_client", self.server.url) as client:
            with self.server.next() as c:
                c.refuse("403 Forbidden")
            self.assertEqual(client.exit_code(), 1)
            self.assertIn("403", client.output)

    def test_a_signal_ends_it_in_good_order(self):
        with Program("ticker_client", self.server.url) as client:
            with self.server.next() as c:
                c.accept().send(b"1")
                client.says("1\n")
                client.send_signal(signal.SIGINT)
                self.assertEqual(c.receive(), (8, b"\x03\xe8"))
                c.close(1000)
            self.assertEqual(client.exit_code(), 0)

    def test_a_signal_ends_it_while_it_waits(self):
        with Program("ticker_client", "ws://127.0.0.1:1/") as client:
            client.says("connecting again in")
            self.assertEqual(client.stop(signal.SIGINT), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
