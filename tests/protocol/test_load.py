"""Much at once, fast, and for many: nothing that was acknowledged is lost, nobody waits for those who do not read."""

import base64
import re
import time
import unittest

import zmq

from client import Kernel, wait_until

MEGABYTE = 'let page = "x".repeat(1_000_000);'


class Load(unittest.TestCase):
    """A kernel for each test: what one has used up is not on the account of the next."""

    def setUp(self):
        self.kernel = Kernel()
        self.addCleanup(self.kernel.close)
        self.context = zmq.Context()
        self.addCleanup(self.context.destroy, linger=0)

    def subscriber(self, **options):
        """A subscriber whose own queues are as small as they can be; `read` it or let it be."""
        socket = self.context.socket(zmq.SUB)
        socket.rcvhwm, socket.rcvbuf, socket.linger, socket.rcvtimeo = 1, 4096, 0, 30_000
        connection = self.kernel.connection
        socket.connect(f"tcp://{connection['ip']}:{connection['iopub_port']}")
        socket.subscribe(b"")
        self.assertEqual(self.read(socket)[0], b"")
        return socket

    def read(self, socket):
        """The topic of the next message, and its content as JSON's bytes."""
        frames = socket.recv_multipart()
        return frames[0], frames[6] if len(frames) > 6 else b"", frames

    def read_to_the_end(self, socket, header, pause=0):
        """What a subscriber gets because of a request: topics and contents."""
        found = []
        while True:
            topic, _, frames = self.read(socket)
            parent, content = frames[4], frames[6]
            if header["msg_id"].encode() in parent:
                found.append((topic, content))
                if topic == b"status" and b'"idle"' in content:
                    return found
            time.sleep(pause)

    def test_one_who_stops_reading_harms_nobody_and_is_told(self):
        stuck = self.subscriber()
        header = self.kernel.execute(MEGABYTE + 'for _ in 0..150 { display(page.as_str()); } println!("done"); 7')
        healthy = [message["msg_type"] for message in self.kernel.broadcasts(header)]
        self.assertEqual(healthy.count("display_data"), 150)
        self.assertEqual(self.kernel.reply(header)["content"]["status"], "ok")
        self.assertEqual(self.kernel.text("8"), "8", "the kernel does not wait for it")
        found = self.read_to_the_end(stuck, header)
        topics = [topic for topic, _ in found]
        for topic in (b"execute_input", b"execute_result"):
            self.assertEqual(topics.count(topic), 1, "only output may be left out")
        [note] = [content.decode() for topic, content in found if topic == b"stream" and b"note:" in content]
        left_out = int(re.search(r"so (\d+) messages of output", note)[1])
        printed = any(b"done" in content for topic, content in found if topic == b"stream")
        self.assertEqual(topics.count(b"display_data") + left_out + printed, 151, note)
        self.assertGreater(left_out, 50)
        # It has caught up, so it gets everything again.
        header = self.kernel.execute('display("again")')
        self.assertIn(b"display_data", [topic for topic, _ in self.read_to_the_end(stuck, header)])

    def test_one_who_reads_slowly_slows_the_cell_down_and_gets_everything(self):
        slow = self.subscriber()
        header = self.kernel.execute(MEGABYTE + "for _ in 0..150 { display(page.as_str()); }")
        found = [topic for topic, _ in self.read_to_the_end(slow, header, pause=0.01)]
        self.assertEqual(found.count(b"display_data"), 150)
        self.assertNotIn(b"stream", found, "no note")

    def test_a_flood_of_widget_messages_reaches_one_who_reads_slowly(self):
        slow = self.subscriber()
        self.kernel.client.iopub_channel.stop()  # It would be another who does not read.
        header = self.kernel.execute(
            'let bar = slider(0..=3); let page = "x".repeat(100_000);'
            "for _ in 0..6_000 { bar.clone().label(&page); } 7"
        )
        found = [topic for topic, _ in self.read_to_the_end(slow, header, pause=0.0025)]
        self.assertEqual(self.kernel.reply(header)["content"]["status"], "ok")
        for topic in (b"comm_open", b"execute_input", b"execute_result"):
            self.assertEqual(found.count(topic), 1, topic)
        self.assertEqual(found.count(b"comm_msg"), 6_000)
        self.assertLess(self.kernel.peak_memory(), 400e6)

    def test_those_who_vanish_are_forgotten(self):
        subscribers = [self.subscriber() for _ in range(20)]
        header = self.kernel.execute(
            MEGABYTE + 'println!("running"); for _ in 0..30 { display(page.as_str()); }'
        )
        self.kernel.wait_until_running(header)
        for socket in subscribers:
            socket.close()
        outputs = [message["msg_type"] for message in self.kernel.broadcasts(header)]
        self.assertEqual(outputs.count("display_data"), 30)
        port = self.kernel.connection["iopub_port"]
        self.assertTrue(wait_until(lambda: self.kernel.connections(port) == 1, 10), "only our own is left")

    def test_a_hundred_clients_come_and_go(self):
        connection = self.kernel.connection
        session = self.kernel.client.session
        for number in range(100):
            sockets = []
            for kind, channel in ((zmq.SUB, "iopub"), (zmq.DEALER, "shell"), (zmq.DEALER, "control"), (zmq.DEALER, "stdin")):
                socket = self.context.socket(kind)
                socket.linger = 0
                socket.connect(f"tcp://{connection['ip']}:{connection[channel + '_port']}")
                sockets.append(socket)
            sockets[0].subscribe(b"")
            sockets[1].send_multipart(session.serialize(session.msg("kernel_info_request", {})))
            if number % 2:
                sockets[1].recv_multipart()
            for socket in sockets:
                socket.close()
        self.assertEqual(self.kernel.text("3"), "3")
        for channel in ("iopub", "shell", "control", "stdin"):
            port = connection[f"{channel}_port"]
            self.assertTrue(wait_until(lambda: self.kernel.connections(port) == 1, 10), channel)

    def test_a_flood_of_text_is_cut_and_takes_little_memory(self):
        header = self.kernel.execute('let line = "x".repeat(999); for _ in 0..200_000 { println!("{line}"); }')
        texts = [m["content"] for m in self.kernel.broadcasts(header) if m["msg_type"] == "stream"]
        self.assertEqual(self.kernel.reply(header)["content"]["status"], "ok")
        size = sum(len(text["text"]) for text in texts)
        self.assertTrue(30e6 < size < 40e6, size)
        self.assertEqual(texts[-1]["name"], "stderr")
        self.assertIn("the cell printed 200 MB", texts[-1]["text"])
        self.assertEqual(self.kernel.text("5"), "5")
        self.assertLess(self.kernel.peak_memory(), 400e6)

    def test_ten_thousand_displays_come_in_order(self):
        header = self.kernel.execute("for i in 0..10_000 { display(i.to_string().as_str()); }")
        shown = [m["content"]["data"]["text/plain"] for m in self.kernel.broadcasts(header) if m["msg_type"] == "display_data"]
        self.assertEqual(shown, [str(number) for number in range(10_000)])
        self.assertEqual(self.kernel.reply(header)["content"]["status"], "ok")

    def test_pictures_of_twenty_megabytes_arrive_whole(self):
        header = self.kernel.execute(
            "let noise: Vec<u8> = (0..20_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();"
            'for _ in 0..5 { display(&Bundle::png(&noise, 2600, 2600, "noise")); }'
        )
        shown = [m["content"]["data"]["image/png"] for m in self.kernel.broadcasts(header) if m["msg_type"] == "display_data"]
        noise = bytes((i * 2_654_435_761 >> 24) & 255 for i in range(1000))
        self.assertEqual(len(shown), 5)
        for text in shown:
            picture = base64.b64decode(text)
            self.assertEqual((len(picture), picture[:1000]), (20_000_000, noise))
        self.assertLess(self.kernel.peak_memory(), 800e6)

    def test_cells_that_wait_run_in_order(self):
        first = self.kernel.execute("std::thread::sleep(std::time::Duration::from_millis(300)); let mut order = vec![0];")
        rest = [self.kernel.execute(f"order.push({number});") for number in range(1, 20)]
        replies = [self.kernel.reply(header)["content"] for header in [first, *rest]]
        counts = [reply["execution_count"] for reply in replies]
        self.assertEqual(counts, list(range(counts[0], counts[0] + 20)))
        self.assertEqual(self.kernel.text("order == (0..20).collect::<Vec<_>>()"), "true")


if __name__ == "__main__":
    unittest.main()
