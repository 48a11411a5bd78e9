"""A kernel and a client that talk, the client being Jupyter's own (jupyter_client)."""

import json
import os
import queue
import re
import subprocess
import tempfile
import time
from pathlib import Path

from jupyter_client import BlockingKernelClient
from jupyter_client.connect import write_connection_file

PROGRAM = os.environ["CVSTUDY"]

# The first cell of a kernel waits for its worker to load libtorch.
PATIENCE = 60

# The state of a connection, as the system's table of them writes it.
ESTABLISHED = "01"


class Kernel:
    """A kernel process and a client connected to it."""

    def __init__(self, transport="tcp", environment=None, wait=True, stderr=None):
        self.folder = tempfile.TemporaryDirectory()
        ip = str(Path(self.folder.name) / "kernel") if transport == "ipc" else ""
        self.connection_file, self.connection = write_connection_file(
            str(Path(self.folder.name) / "connection.json"), transport=transport, ip=ip, key=os.urandom(16).hex().encode()
        )
        self.environment = {**os.environ, **(environment or {})}
        self.stderr = stderr
        self.launch()
        self.client = BlockingKernelClient(connection_file=self.connection_file)
        self.client.load_connection_file()
        self.client.start_channels()
        if wait:
            self.client.wait_for_ready(timeout=PATIENCE)

    def launch(self):
        """Starts the process; again, when it has ended, on the connection it had."""
        self.process = subprocess.Popen(
            [PROGRAM, "kernel", "--connection-file", self.connection_file],
            cwd=self.folder.name,
            env=self.environment,
            stderr=self.stderr,
        )

    def answers(self):
        """Whether it is there; asked again and again while it starts."""
        try:
            self.reply(self.send("kernel_info_request"), timeout=1)
        except queue.Empty:
            return False
        return True

    def close(self):
        """Ends the kernel, whatever state it is in."""
        self.client.stop_channels()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def send(self, kind, content=None, channel="shell"):
        """Sends one request; returns its header."""
        message = self.client.session.msg(kind, content or {})
        getattr(self.client, f"{channel}_channel").send(message)
        return message["header"]

    def execute(self, code, **fields):
        """Sends one cell; returns its header."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        }
        return self.send("execute_request", {**content, **fields})

    def reply(self, header, channel="shell", timeout=PATIENCE):
        """The reply to a request; replies to others before it are dropped."""
        get = getattr(self.client, f"get_{channel}_msg")
        deadline = time.monotonic() + timeout
        while True:
            message = get(timeout=max(0.0, deadline - time.monotonic()))
            if message["parent_header"].get("msg_id") == header["msg_id"]:
                return message

    def ask(self, kind, content=None, channel="shell"):
        """Sends a request and returns the content of its reply."""
        return self.reply(self.send(kind, content, channel), channel)["content"]

    def broadcasts(self, header, timeout=PATIENCE):
        """What is broadcast because of a request, up to and with its idle."""
        found = []
        deadline = time.monotonic() + timeout
        while True:
            message = self.client.get_iopub_msg(timeout=max(0.0, deadline - time.monotonic()))
            if message["parent_header"].get("msg_id") != header["msg_id"]:
                continue
            found.append(message)
            if message["content"].get("execution_state") == "idle":
                return found

    def run(self, code, **fields):
        """Runs one cell; returns its reply's content and its outputs as (type, content)."""
        header = self.execute(code, **fields)
        broadcasts = self.broadcasts(header)
        reply = self.reply(header)["content"]
        outputs = [
            (message["msg_type"], message["content"])
            for message in broadcasts
            if message["msg_type"] not in ("status", "execute_input")
        ]
        return reply, outputs

    def text(self, code):
        """Runs a cell that must succeed; returns what it printed, and its result as text."""
        reply, outputs = self.run(code)
        assert reply["status"] == "ok", (code, reply)
        parts = []
        for kind, content in outputs:
            if kind == "stream":
                parts.append(content["text"])
            elif kind in ("execute_result", "display_data"):
                parts.append(content["data"]["text/plain"])
        return "".join(parts)

    def wait_for_the_index(self):
        """The first kernel of a new course reads the course's sources, which takes seconds."""
        wait_until(lambda: self.ask("complete_request", {"code": "imrea", "cursor_pos": 5})["matches"], PATIENCE)

    def wait_until_running(self, header):
        """Returns when a cell has printed something."""
        while True:
            message = self.client.get_iopub_msg(timeout=PATIENCE)
            if message["msg_type"] == "stream" and message["parent_header"]["msg_id"] == header["msg_id"]:
                return message["content"]["text"]

    def drop_broadcasts(self):
        """Reads what has been broadcast so far and forgets it."""
        while not self.is_silent(0):
            pass

    def interrupt(self):
        """Asks for an interrupt and waits for the answer."""
        return self.ask("interrupt_request", channel="control")

    def is_silent(self, seconds=0.3):
        """True when nothing more is broadcast."""
        try:
            self.client.get_iopub_msg(timeout=seconds)
        except queue.Empty:
            return True
        return False

    def children(self):
        """The process ids of the kernel's children, and theirs."""
        return descendants(self.process.pid)

    def workers(self):
        """The process ids of children that run cells, and of what cells have started."""
        own = [pid for pid in self.children() if "\0worker\0" in command_of(pid)]
        return [pid for worker in own for pid in (worker, *descendants(worker))]

    def compilers(self):
        """The process ids of compilers at work for the kernel; one waits for the next cell, too."""
        held = pipes(self.process.pid)
        # The kernel holds the other end of a waiting compiler's input, and lets go of it when it has told it what to do.
        return [pid for pid in self.children() if name_of(pid) == "rustc" and not held & pipes(pid, "0")]

    def wait_until_compiling(self):
        """Returns when a compiler is at work."""
        assert wait_until(self.compilers, PATIENCE), "no compiler was started"

    def connections(self, port):
        """How many clients are connected to one of the kernel's ports."""
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(row[1].endswith(f":{port:04X}") and row[3] == ESTABLISHED for row in rows)

    def peak_memory(self):
        """The most memory that the kernel has had at once, without its children, in bytes."""
        return 1024 * int(re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{self.process.pid}/status").read_text())[1])


def descendants(pid):
    """The process ids of a process's children, and theirs."""
    found, parents = [], [pid]
    while parents:
        # Each thread has children of its own.
        for own in Path("/proc").glob(f"{parents.pop()}/task/*/children"):
            try:
                pids = [int(pid) for pid in own.read_text().split()]
            except OSError:
                continue  # ended meanwhile
            found += pids
            parents += pids
    return found


def name_of(pid):
    """The name of a process's program; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def command_of(pid):
    """The words that a process was started with, as the system keeps them; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def pipes(pid, descriptor="*"):
    """The pipes that a process holds an end of."""
    found = set()
    for link in Path(f"/proc/{pid}/fd").glob(descriptor):
        try:
            found.add(os.readlink(link))
        except OSError:
            continue  # closed meanwhile
    return {name for name in found if name.startswith("pipe:")}


def is_alive(pid):
    """Whether a process runs; one that has ended and waits to be collected does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rsplit(")", 1)[1].split()[0] not in "ZX"


def wait_until(condition, seconds):
    """True when a condition holds within some time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def kernelspec(name):
    """Makes the kernel known to this process's Jupyter alone, for as long as the returned folder lives."""
    folder = tempfile.TemporaryDirectory()
    spec = Path(folder.name) / "kernels" / name
    spec.mkdir(parents=True)
    arguments = [PROGRAM, "kernel", "--connection-file", "{connection_file}"]
    fields = {"argv": arguments, "display_name": name, "language": "rust", "interrupt_mode": "message"}
    (spec / "kernel.json").write_text(json.dumps(fields))
    os.environ["JUPYTER_PATH"] = folder.name
    return folder
