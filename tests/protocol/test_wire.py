"""Frames as they are on the wire: bad ones, forged ones, and sockets without Jupyter's client."""

import random
import unittest

import zmq
from jupyter_client.session import Session

from client import Kernel


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

    def assert_answers(self, socket):
        socket.send_multipart(self.frames())
        reply = socket.recv_multipart()
        self.assertEqual(reply[0], b"<IDS|MSG>")

    def test_bad_frames_are_dropped(self):
        good = self.frames()
        bad = [
            [b""],
            [b"x"],
            [b"<IDS|MSG>"],
            good[:2],
            good[:5],
            [b"<IDS|MSG>", b"not hex", *good[2:]],
            [b"<IDS|MSG>", b"", *good[2:]],
            [b"<IDS|MSG>", b"0" * 64, *good[2:]],
            [b"<IDS|MSG>", "é".encode() * 32, *good[2:]],
            [*good[:2], b"{}", *good[3:]],
            [b"\xff" * 1000] * 50,
        ]
        for channel in ("shell", "control"):
            socket = self.socket(zmq.DEALER, channel)
            for frames in bad:
                socket.send_multipart(frames)
            self.assert_answers(socket)
        stdin = self.socket(zmq.DEALER, "stdin")
        for frames in bad:
            stdin.send_multipart(frames)
        self.assertEqual(self.kernel.text("1"), "1")

    def test_signed_nonsense_is_answered_or_dropped(self):
        session = self.kernel.client.session
        socket = self.socket(zmq.DEALER, "shell")
        pick = random.Random(7).choice
        for _ in range(300):
            parts = [pick([b"{}", b"[]", b"null", b"\xff", b"", b'{"msg_type":5}', b'{"msg_type":"x"}']) for _ in "1234"]
            socket.send_multipart([b"<IDS|MSG>", session.sign(parts), *parts])
        fresh = self.socket(zmq.DEALER, "shell")
        self.assert_answers(fresh)

    def test_a_hundred_thousand_mutated_messages_do_no_harm(self):
        random_ = random.Random(2026)
        session = self.kernel.client.session
        kinds = ["kernel_info_request", "complete_request", "inspect_request", "is_complete_request", "history_request",
                 "comm_info_request", "comm_open", "comm_msg", "input_reply", "debug_request", "execute_request"]
        contents = [b"{}", b"[]", b'{"code":7}', b'{"code":"x","cursor_pos":-1}', b'{"comm_id":"a","data":[]}',
                    b'{"hist_access_type":"tail","n":-5}', b'{"code":"\\ud800"}', b'{"code":"' + b"(" * 999 + b'"}']

        def mutated():
            frames = self.frames(random_.choice(kinds))
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
            return frames

        def signed():
            header = session.msg_header(random_.choice(kinds[:-1]))
            parts = [session.pack(header), b"{}", b"{}", random_.choice(contents)]
            return [b"<IDS|MSG>", session.sign(parts), *parts]

        for channel in ("shell", "control", "stdin"):
            socket = self.socket(zmq.DEALER, channel)
            for number in range(33_334):
                socket.send_multipart(signed() if number % 20 == 0 else mutated())
                # What is answered is read, as by any client that lives.
                while socket.poll(0):
                    socket.recv_multipart()
                if number % 200 == 0:
                    self.kernel.drop_broadcasts()
        self.kernel.drop_broadcasts()
        self.assertEqual(self.kernel.text("4"), "4")

    def test_a_recorded_message_cannot_be_played_again(self):
        socket = self.socket(zmq.DEALER, "shell")
        frames = self.frames()
        socket.send_multipart(frames)
        socket.recv_multipart()
        socket.send_multipart(frames)
        socket.rcvtimeo = 500
        with self.assertRaises(zmq.Again):
            socket.recv_multipart()

    def test_raw_bytes_on_a_port_do_no_harm(self):
        for channel in ("shell", "control", "iopub", "stdin", "hb"):
            raw = self.socket(zmq.STREAM, channel)
            identity = raw.recv_multipart()[0]
            for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 64, b"\xff" * 4096):
                try:
                    raw.send_multipart([identity, garbage])
                except zmq.ZMQError:
                    break  # The kernel has hung up, as it should.
        self.assertEqual(self.kernel.text("2"), "2")

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

    def test_a_subscriber_that_does_not_read_is_left_behind(self):
        stuck = self.context.socket(zmq.SUB)
        self.addCleanup(stuck.close, linger=0)
        stuck.rcvhwm = 1
        stuck.connect(f"tcp://{self.kernel.connection['ip']}:{self.kernel.connection['iopub_port']}")
        stuck.subscribe(b"")
        stuck.recv_multipart()
        header = self.kernel.execute('for i in 0..1_000_000 { println!("{i:060}"); } 7')
        broadcasts = self.kernel.broadcasts(header)
        [result] = [message for message in broadcasts if message["msg_type"] == "execute_result"]
        self.assertEqual(result["content"]["data"]["text/plain"], "7")
        self.kernel.reply(header)

    def test_many_come_and_go(self):
        for _ in range(100):
            socket = self.socket(zmq.SUB, "iopub")
            socket.subscribe(b"")
            shell = self.socket(zmq.DEALER, "shell")
            shell.send_multipart(self.frames())
            socket.close()
            shell.close()
        self.assertEqual(self.kernel.text("3"), "3")

    def test_the_heart_beats_while_a_cell_runs(self):
        header = self.kernel.execute('println!("running"); loop { std::hint::spin_loop() }')
        self.kernel.wait_until_running(header)
        socket = self.socket(zmq.REQ, "hb")
        for beat in (b"ping", b"", b"\x00" * 100_000):
            socket.send(beat)
            self.assertEqual(socket.recv(), beat)
        self.kernel.interrupt()
        self.kernel.reply(header)


if __name__ == "__main__":
    unittest.main()
