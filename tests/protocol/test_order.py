"""What front ends count on that watch the order of messages: VS Code above all, and JupyterLab's futures.

VS Code sends the next cell when it has both the reply and the idle of the last one, drops what comes after that, asks
for a debugger before anything else, and restarts a kernel on the ports it had.
"""

import queue
import unittest

import zmq
from jupyter_client.session import Session

from client import PATIENCE, Kernel, wait_until

STARTUP = {"silent": True, "store_history": False, "stop_on_error": False, "allow_stdin": False}


class Order(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kernel = Kernel()

    @classmethod
    def tearDownClass(cls):
        cls.kernel.close()

    def test_every_request_is_busy_then_answered_then_idle(self):
        self.kernel.drop_broadcasts()
        requests = [
            ("shell", "kernel_info_request", {}),
            ("shell", "complete_request", {"code": "imre", "cursor_pos": 4}),
            ("shell", "inspect_request", {"code": "imread", "cursor_pos": 4, "detail_level": 0}),
            ("shell", "is_complete_request", {"code": "1"}),
            ("shell", "history_request", {"hist_access_type": "tail", "n": 1}),
            ("shell", "comm_info_request", {"target_name": "jupyter.widget"}),
            ("shell", "nonsense_request", {}),
            ("shell", "is_complete_request", {"code": 7}),
            ("control", "kernel_info_request", {}),
            ("control", "debug_request", {"type": "request", "seq": 1, "command": "debugInfo"}),
            ("control", "interrupt_request", {}),
        ]
        for channel, kind, content in requests:
            with self.subTest(channel=channel, kind=kind):
                header = self.kernel.send(kind, content, channel)
                reply = self.kernel.reply(header, channel)
                self.assertEqual(reply["header"]["msg_type"], kind.replace("_request", "_reply"))
                states = [message["content"] for message in self.kernel.broadcasts(header)]
                self.assertEqual(states, [{"execution_state": "busy"}, {"execution_state": "idle"}])
        self.assertTrue(self.kernel.is_silent(), "nothing comes after the idle")

    def test_a_cell_is_over_when_it_is_idle(self):
        code = 'print!("a"); eprint!("b"); display("c"); print!("d"); std::thread::spawn(|| print!("e")).join().unwrap(); 7'
        for _ in range(40):
            header = self.kernel.execute(code, stop_on_error=False, allow_stdin=True)
            broadcasts = self.kernel.broadcasts(header)
            self.kernel.reply(header)
            said = "".join(m["content"]["text"] for m in broadcasts if m["content"].get("name") == "stdout")
            self.assertEqual(said, "ade")
            self.assertEqual(broadcasts[-2]["msg_type"], "execute_result")
            # The next message is the next cell's: nothing of this one is left behind.
            with self.assertRaises(queue.Empty):
                late = self.kernel.client.get_iopub_msg(timeout=0.01)
                self.fail(late)

    def test_it_starts_the_way_vs_code_starts_it(self):
        kernel = Kernel(wait=False)
        self.addCleanup(kernel.close)
        # Asked until something is broadcast, as only then the subscription is known to stand.
        heard = lambda: self.hears(kernel, kernel.send("kernel_info_request"))
        self.assertTrue(wait_until(heard, PATIENCE))
        debugger = kernel.ask("debug_request", {"type": "request", "seq": 1, "command": "debugInfo"}, "control")
        self.assertFalse(debugger["success"])
        header = kernel.execute("let startup = 1;", **STARTUP)
        self.assertEqual([m["msg_type"] for m in kernel.broadcasts(header)], ["status", "status"])
        self.assertEqual(kernel.reply(header)["content"]["status"], "ok")
        self.assertEqual(kernel.run("startup + 1", allow_stdin=True)[0]["execution_count"], 1)

    def hears(self, kernel, header):
        try:
            return kernel.broadcasts(header, timeout=0.5)
        except queue.Empty:
            return False

    def test_it_restarts_on_the_ports_it_had(self):
        kernel = Kernel()
        self.addCleanup(kernel.close)
        kernel.text("let before = 1;")
        # A subscriber that stays connected, as the front end's own sockets do.
        context = zmq.Context()
        self.addCleanup(context.destroy, linger=0)
        listener = context.socket(zmq.SUB)
        listener.connect(f"tcp://{kernel.connection['ip']}:{kernel.connection['iopub_port']}")
        listener.subscribe(b"")
        listener.rcvtimeo = 1000 * PATIENCE
        self.next_message(kernel, listener, "iopub_welcome")
        kernel.ask("shutdown_request", {"restart": True}, "control")
        kernel.process.wait(5)
        kernel.launch()
        self.assertTrue(wait_until(kernel.answers, PATIENCE))
        self.assertEqual(kernel.run("before")[0]["status"], "error", "it is a new kernel")
        # The old connection is taken up again, by ZeroMQ itself.
        self.next_message(kernel, listener, "iopub_welcome")
        kernel.text("let after = 1;")
        self.assertEqual(self.next_message(kernel, listener, "execute_input")["content"]["code"], "let after = 1;")

    def next_message(self, kernel, socket, kind):
        """The next message of a type that a subscriber gets; others before it are dropped."""
        session = Session(key=kernel.client.session.key)
        while True:
            _, frames = session.feed_identities(socket.recv_multipart())
            message = session.deserialize(frames)
            if message["msg_type"] == kind:
                return message


if __name__ == "__main__":
    unittest.main()
