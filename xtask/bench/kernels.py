"""Jupyter kernels as processes to measure: start one, run a cell, time it, weigh it.

Every kernel is driven in the same way, by Jupyter's own client, so that what the protocol costs is in
every figure alike.
"""

import contextlib
import os
import queue
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from jupyter_client import BlockingKernelClient
from jupyter_client.connect import write_connection_file

# A peer may have to build libtorch's bindings inside its first cell.
PATIENCE_S = 900


class CellFailed(Exception):
    """A cell that a figure depends on ended in an error."""


@dataclass
class Ran:
    """One executed cell."""

    seconds: float  # from the request until the kernel is idle again
    first_output: float | None  # seconds until the first output
    text: str


class Kernel(contextlib.AbstractContextManager):
    """A kernel process and a client connected to it; `argv` names the connection file as FILE."""

    def __init__(self, argv, env=None):
        self.folder = tempfile.TemporaryDirectory()
        file, _ = write_connection_file(str(Path(self.folder.name, "connection.json")))
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [file if part == "FILE" else part for part in argv],
            cwd=self.folder.name,
            env={**os.environ, **(env or {})},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.client = BlockingKernelClient(connection_file=file)
        self.client.load_connection_file()
        self.client.start_channels()
        try:
            self._wait_until_connected()
        except CellFailed:
            self.__exit__()
            raise

    def __exit__(self, *_):
        self.client.shutdown()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.client.stop_channels()
        self.folder.cleanup()

    def _wait_until_connected(self):
        """Asks for the kernel's info until an answer comes and its status arrives too."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self.client.kernel_info()
            with contextlib.suppress(queue.Empty):
                self.client.get_iopub_msg(timeout=0.05)
                self.client.get_shell_msg(timeout=10)
                return
            if self.process.poll() is not None:
                break
        raise CellFailed(f"the kernel {self.process.args[0]} does not answer")

    def run(self, code):
        """Executes a cell; an error output is an exception here."""
        begin = time.perf_counter()
        request = self.client.execute(code)
        first, text = None, []
        while True:
            message = self.client.get_iopub_msg(timeout=PATIENCE_S)
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                break
            if kind == "error":
                raise CellFailed(f"{code.strip()!r}: {content['ename']}: {content['evalue']}")
            if kind in ("stream", "display_data", "execute_result"):
                first = first or time.perf_counter() - begin
                text.append(content.get("text") or content["data"].get("text/plain", ""))
        self._take_reply(request)
        return Ran(time.perf_counter() - begin, first, "".join(text))

    def complete(self, code):
        """What may stand at the end of a text."""
        request = self.client.complete(code)
        while True:
            message = self.client.get_shell_msg(timeout=60)
            if message["parent_header"].get("msg_id") == request:
                return message["content"]["matches"]

    def _take_reply(self, request):
        while self.client.get_shell_msg(timeout=60)["parent_header"].get("msg_id") != request:
            pass

    def since_start(self):
        """Seconds since the process was started."""
        return time.perf_counter() - self.started

    def pss_mib(self):
        """Memory of the process and all below it; pages shared by several are counted in parts."""
        return sum(_pss_kib(pid) for pid in _tree(self.process.pid)) / 1024


def _tree(pid):
    yield pid
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _tree(int(child))


def _pss_kib(pid):
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
