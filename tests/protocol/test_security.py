"""Who can reach the kernel, and who learns its key: nobody but the front end."""

import os
import stat
import tempfile
import unittest
from pathlib import Path

from client import Kernel, wait_until

LISTENS = "0A"


class Security(unittest.TestCase):
    def start(self, **options):
        kernel = Kernel(**options)
        self.addCleanup(kernel.close)
        return kernel

    def test_it_listens_on_loopback_alone(self):
        kernel = self.start()
        kernel.text("1")
        own = {inode for pid in (kernel.process.pid, *kernel.children()) for inode in sockets(pid)}
        addresses = []
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                row = line.split()
                if row[3] == LISTENS and row[9] in own:
                    addresses.append(row[1].split(":"))
        self.assertEqual(len(addresses), 5, "one socket a channel")
        # 127.0.0.1, as the system writes it.
        self.assertEqual({address for address, _ in addresses}, {"0100007F"})
        ports = {kernel.connection[f"{channel}_port"] for channel in ("shell", "control", "iopub", "stdin", "hb")}
        self.assertEqual({int(port, 16) for _, port in addresses}, ports)

    def test_over_ipc_it_listens_on_no_port_and_leaves_no_file(self):
        kernel = self.start(transport="ipc")
        kernel.text("1")
        own = {inode for pid in (kernel.process.pid, *kernel.children()) for inode in sockets(pid)}
        for table in ("tcp", "tcp6", "udp", "udp6"):
            rows = [line.split() for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
            self.assertFalse([row for row in rows if row[9] in own], table)
        folder = Path(kernel.folder.name)
        files = [path for path in folder.iterdir() if path.is_socket()]
        self.assertEqual(len(files), 5)
        for path in files:
            self.assertEqual(stat.S_IMODE(path.stat().st_mode) & 0o077, 0, f"{path} is for its owner alone")
        kernel.ask("shutdown_request", {"restart": False}, "control")
        kernel.process.wait(5)
        self.assertEqual([path for path in folder.iterdir() if path.is_socket()], [])

    def test_a_kernel_that_was_killed_can_be_started_again_over_ipc(self):
        first = self.start(transport="ipc")
        first.text("1")
        first.process.kill()
        first.process.wait()
        first.launch()
        self.assertTrue(wait_until(lambda: first.answers(), 60))
        self.assertEqual(first.text("2"), "2")

    def test_the_connection_file_becomes_its_owners_alone(self):
        kernel = self.start()
        path = Path(kernel.connection_file)
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        kernel.ask("shutdown_request", {"restart": True}, "control")
        kernel.process.wait(5)
        path.chmod(0o644)
        kernel.launch()
        self.assertTrue(wait_until(lambda: kernel.answers(), 60))
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)

    def test_the_key_is_told_to_nobody(self):
        with tempfile.TemporaryFile() as log:
            kernel = self.start(environment={"CVSTUDY_LOG": "trace"}, stderr=log)
            key = kernel.connection["key"].encode()
            self.assertGreater(len(key), 16)
            forged = kernel.client.session.clone()
            forged.key = b"another"
            forged.send(kernel.client.shell_channel.socket, "kernel_info_request", {})
            for code in ('println!("text"); 7', 'panic!("on purpose")', "let x: u8 = true;", ":vars", "?imread"):
                kernel.run(code)
            said = kernel.run("std::env::vars().map(|(_, value)| value).chain(std::env::args()).collect::<Vec<_>>()")
            self.assertNotIn(key.decode(), str(said))
            for pid in (kernel.process.pid, *kernel.children()):
                for file in ("cmdline", "environ"):
                    self.assertNotIn(key, Path(f"/proc/{pid}/{file}").read_bytes())
            kernel.ask("shutdown_request", {"restart": False}, "control")
            kernel.process.wait(5)
            log.seek(0)
            logged = log.read()
            self.assertIn(b"wrong signature", logged, "it does log")
            self.assertNotIn(key, logged)

    def test_nothing_runs_when_a_notebook_is_read(self):
        with tempfile.TemporaryDirectory() as folder:
            witness = Path(folder) / "witness"
            code = f'std::fs::write({str(witness)!r}, "run").unwrap(); fn f() {{}}'.replace("'", '"')
            kernel = self.start()
            for kind, content in (
                ("is_complete_request", {"code": code}),
                ("complete_request", {"code": code, "cursor_pos": 5}),
                ("inspect_request", {"code": code, "cursor_pos": 5, "detail_level": 1}),
            ):
                kernel.ask(kind, content)
            self.assertFalse(witness.exists())
            kernel.text(code)
            self.assertTrue(witness.exists(), "the cell does write when it is run")


def sockets(pid):
    """The inodes of the sockets that a process has open."""
    links = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            links.append(os.readlink(descriptor))
        except OSError:
            pass  # It has just been closed.
    return {link[len("socket:["):-1] for link in links if link.startswith("socket:[")}


if __name__ == "__main__":
    unittest.main()
