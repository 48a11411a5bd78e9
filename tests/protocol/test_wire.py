"""Frames as they are on the wire: bad ones, forged ones, and sockets without Jupyter's client."""

import json
import random
import socket as system
import unittest
from pathlib import Path

import zmq
from jupyter_client.session import Session

from client import Kernel

CORPUS = Path(__file__).parent / "corpus"
ROUTERS = ("shell", "control", "stdin")
CHANNELS = (*ROUTERS, "iopub", "hb")

# What a client of ZeroMQ says first: greeting, and READY as a SUB socket.
GREETING = b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL".ljust(64, b"\0")
READY = b"\x04\x26\x05READY\x0bSocket-Type\0\0\0\x03SUB\x08Identity\0\0\0\0"

# Requests that a mutation may turn into another request, but never into one that ends the kernel.
KINDS = ["kernel_info_request", "complete_request", "inspect_request", "is_complete_request", "history_request",
         "comm_info_request", "comm_open", "comm_msg", "comm_close", "input_reply", "debug_request"]


def corpus():
    """What is kept because it is, or might be, hard to read: messages as frames, or as parts that want a signature."""
    return list(map(json.loads, (CORPUS / "frames.jsonl").read_text().splitlines()))


def as_bytes(texts):
    """Each character of the corpus is one byte."""
    return [text.encode("latin-1") for text in texts]


class Wire(unittest.TestCase):
    """One kernel for all tests; every test ends with a kernel that still answers."""

    @classmethod
    def setUpClass(cls):
        cls.kernel = Kernel()
        cls.context = zmq.Context()

    @classmethod
    def tearDownClass(cls):
        cls.context.destroy(linger=0)
        cls.kernel.close()

    def tearDown(self):
        self.kernel.drop_broadcasts()
        self.assertEqual(self.kernel.text("1"), "1")

    def socket(self, kind, channel):
        socket = self.context.socket(kind)
        socket.linger = 0
        socket.rcvtimeo = 10_000
        address = self.kernel.connection
        socket.connect(f"tcp://{address['ip']}:{address[channel + '_port']}")
        self.addCleanup(socket.close)
        return socket

    def frames(self, kind="kernel_info_request", content=None):
        """A well-formed request: delimiter, signature, four parts."""
        session = self.kernel.client.session
        return session.serialize(session.msg(kind, content or {}))

    def signed(self, parts, buffers=()):
        return [b"<IDS|MSG>", self.kernel.client.session.sign(parts), *parts, *buffers]

    def of_corpus(self, row, number):
        if "frames" in row:
            return as_bytes(row["frames"])
        parts = as_bytes(row["parts"])
        # A signature counts once, so each message has a number of its own.
        parts[0] = parts[0].replace(b'"ID"', f'"{number}"'.encode())
        return self.signed(parts, as_bytes(row["buffers"]))

    def assert_answers(self, socket):
        """The next request is answered, whatever is answered before it."""
        frames = self.frames()
        socket.send_multipart(frames)
        own = json.loads(frames[2])["msg_id"]
        while json.loads(socket.recv_multipart()[3] or b"{}").get("msg_id") != own:
            pass

    def test_the_corpus_does_no_harm(self):
        for channel in ROUTERS:
            socket = self.socket(zmq.DEALER, channel)
            for number, row in enumerate(corpus()):
                socket.send_multipart(self.of_corpus(row, f"{channel}{number}"))
            if channel != "stdin":
                self.assert_answers(socket)

    def test_mutated_messages_do_no_harm(self):
        """A hundred thousand on each channel that takes requests, some signed so that they are looked into."""
        random_ = random.Random(2026)
        # A wish to shut down that is mended by chance would be obeyed.
        rows = [row for row in corpus() if "parts" in row and "shutdown" not in row["parts"][0]]
        good = [self.frames(kind, {"code": "let größe = [1];", "cursor_pos": 9, "comm_id": "a"}) for kind in KINDS]
        for channel in ROUTERS:
            socket = self.socket(zmq.DEALER, channel)
            for number in range(100_000):
                if number % 20:
                    frames = [*random_.choice(good)]
                    mutate(random_, frames)
                else:
                    row = random_.choice(rows)
                    parts = as_bytes(row["parts"])
                    parts[0] = parts[0].replace(b'"ID"', f'"{channel}{number}"'.encode())
                    content = parts[3:]
                    mutate(random_, content)
                    frames = self.signed([*parts[:3], b"".join(content)])
                socket.send_multipart(frames)
                # What is answered is read, as by any client that lives.
                if number % 50 == 0:
                    while socket.poll(0):
                        socket.recv_multipart()
                if number % 500 == 0:
                    self.kernel.drop_broadcasts()

    def test_mutated_heartbeats_and_subscriptions_do_no_harm(self):
        random_ = random.Random(2027)
        beat, subscriber = self.socket(zmq.DEALER, "hb"), self.socket(zmq.XSUB, "iopub")
        for number in range(100_000):
            frames = [b"", b"ping"]
            mutate(random_, frames)
            beat.send_multipart(frames)
            if number % 50 == 0:
                while beat.poll(0):
                    beat.recv_multipart()
            topic = [random_.choice([b"\x01", b"\x00", b"\x02", b""]) + random_.randbytes(random_.randrange(9))]
            subscriber.send_multipart(topic if number % 7 else topic * 2)
        self.assert_beats()

    def assert_beats(self):
        socket = self.socket(zmq.REQ, "hb")
        for beat in (b"ping", b"", b"\x00" * 100_000):
            socket.send(beat)
            self.assertEqual(socket.recv(), beat)

    def test_mutated_connections_do_no_harm(self):
        """Bytes before they are messages: greetings, handshakes and lengths that lie."""
        random_ = random.Random(2028)
        for channel in CHANNELS:
            address = (self.kernel.connection["ip"], self.kernel.connection[f"{channel}_port"])
            for _ in range(300):
                said = [bytearray(GREETING + READY + b"\x00\x01\x01" + b"\x01\x05hello\x02\0\0\0\0\0\0\0\x03end")]
                mutate(random_, said)
                with system.create_connection(address, timeout=10) as connection:
                    try:
                        connection.sendall(b"".join(said))
                    except OSError:
                        pass  # The kernel has hung up, as it should.
            for lie in (b"\x02" + b"\x7f" * 8, b"\x02" + b"\xff" * 8, b"\x06" + b"\xff" * 8, b"\x02\0\0\0\x40\0\0\0\0"):
                with system.create_connection(address, timeout=10) as connection:
                    connection.sendall(GREETING + READY + lie)
        self.assertLess(self.kernel.peak_memory(), 1e9)
        self.assert_beats()

    def test_a_recorded_message_cannot_be_played_again(self):
        socket = self.socket(zmq.DEALER, "shell")
        frames = self.frames()
        socket.send_multipart(frames)
        socket.recv_multipart()
        socket.send_multipart(frames)
        socket.rcvtimeo = 500
        with self.assertRaises(zmq.Again):
            socket.recv_multipart()
        # Nor on another channel, where it would mean the same.
        socket = self.socket(zmq.DEALER, "control")
        socket.send_multipart(frames)
        socket.rcvtimeo = 500
        with self.assertRaises(zmq.Again):
            socket.recv_multipart()

    def test_a_message_signed_by_somebody_else_is_not_obeyed(self):
        forger = Session(key=b"guessed")
        for channel, kind, content in (("shell", "execute_request", {"code": "std::process::abort()"}),
                                       ("control", "shutdown_request", {"restart": False})):
            socket = self.socket(zmq.DEALER, channel)
            socket.send_multipart(forger.serialize(forger.msg(kind, content)))
            self.assert_answers(socket)

    def test_raw_bytes_on_a_port_do_no_harm(self):
        for channel in CHANNELS:
            raw = self.socket(zmq.STREAM, channel)
            identity = raw.recv_multipart()[0]
            for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 64, b"\xff" * 4096):
                try:
                    raw.send_multipart([identity, garbage])
                except zmq.ZMQError:
                    break  # The kernel has hung up, as it should.

    def test_a_subscriber_is_welcomed(self):
        socket = self.socket(zmq.SUB, "iopub")
        socket.subscribe(b"")
        session = Session(key=self.kernel.client.session.key)
        _, frames = session.feed_identities(socket.recv_multipart())
        message = session.deserialize(frames)
        self.assertEqual(message["msg_type"], "iopub_welcome")
        self.assertEqual(message["content"], {"subscription": ""})
        self.assertEqual(message["parent_header"], {})

    def test_a_listener_may_want_one_type_only(self):
        socket = self.socket(zmq.SUB, "iopub")
        socket.subscribe(b"execute_result")
        self.assertIn(b"iopub_welcome", socket.recv_multipart()[3])
        self.kernel.text('println!("text"); 3')
        self.assertEqual(socket.recv_multipart()[0], b"execute_result")
        socket.unsubscribe(b"execute_result")
        socket.subscribe(b"stream")
        self.assertIn(b"iopub_welcome", socket.recv_multipart()[3])
        self.kernel.text('println!("text"); 3')
        self.assertEqual(socket.recv_multipart()[0], b"stream")

    def test_the_heart_beats_while_a_cell_runs(self):
        header = self.kernel.execute('println!("running"); loop { std::hint::spin_loop() }')
        self.kernel.wait_until_running(header)
        self.assert_beats()
        self.kernel.interrupt()
        self.kernel.reply(header)


def mutate(random_, frames):
    """Changes one to three frames: a bit, the length, what is behind, how many there are."""
    for _ in range(random_.randrange(1, 4)):
        at = random_.randrange(len(frames))
        frame = bytearray(frames[at])
        change = random_.randrange(5)
        if change == 0 and frame:
            frame[random_.randrange(len(frame))] ^= 1 << random_.randrange(8)
        elif change == 1:
            frame = frame[: random_.randrange(len(frame) + 1)]
        elif change == 2:
            frame += random_.randbytes(random_.randrange(64))
        elif change == 3:
            frames.insert(at, b"")
        frames[at] = bytes(frame)


if __name__ == "__main__":
    unittest.main()
