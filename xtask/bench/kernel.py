"""Measures the kernel beside its peers. Driven by `cargo xtask bench kernel`.

    kernel.py CONFIG        CONFIG is JSON, see `Config`

Prints one JSON object a line for each figure: `id`, `ours`, `peer`, or `id` and `error`. Times are in
milliseconds, memory in MiB. Ours and the peer take turns, and a figure is the median of its turns.
"""

import itertools
import json
import queue
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from kernels import CellFailed, Kernel

TURNS = 5


class Config:
    """What there is to measure; a peer that is not installed is None."""

    def __init__(self, text):
        given = json.loads(text)
        self.ours = given["ours"]  # command lines, with FILE for the connection file
        self.ipykernel = given["ipykernel"]
        self.evcxr = given["evcxr"]
        self.evcxr_env = given["evcxr_env"]
        self.rustc = given["rustc"]


# No cell's text has been seen before, so that nothing comes out of a cache by chance. The numbers fit an i32.
_fresh = itertools.count(time.time_ns() // 10**6 % 2_000_000 * 1000)


def fresh():
    return next(_fresh)


SETTING = "let vs = nn::VarStore::new(Device::Cpu);"

EVCXR_SETTING = [
    ':dep tch = "0.26"',
    "use tch::{nn, nn::Module, Device, Kind, Tensor};",
    SETTING,
]


def tensor_cells():
    """What a lesson's cells do. The names stay the same, so that a session does not grow; the numbers do not."""
    n = fresh()
    return [
        f"let a = Tensor::randn([3, 3], (Kind::Float, Device::Cpu)) + {n}.0;",
        f"let b = a.matmul(&a).relu() * {n}.0;",
        f'println!("{{:?}} {n}", b.size());',
        f"let c = b.sum(Kind::Float).double_value(&[]) + {n}.0;",
        f'let layer = nn::linear(vs.root() / "layer{n}", 3, 2, Default::default());',
        f"layer.forward(&(&a + {n}.0)).size()",
        f"c > {n}.0",
    ]


def first_tensor(config):
    """From the start of the process to the first tensor on the screen, milliseconds."""

    def ours():
        with Kernel(config.ours) as kernel:
            before = kernel.since_start()
            ran = kernel.run(f'println!("{{}}", Tensor::from_slice(&[{fresh()}.0f32, 2.0]));')
            return (before + ran.first_output) * 1e3

    def peer():
        with Kernel(config.ipykernel) as kernel:
            before = kernel.since_start()
            ran = kernel.run("import torch\nprint(torch.tensor([1.0, 2.0]))")
            return (before + ran.first_output) * 1e3

    return in_turn(ours, peer if config.ipykernel else None)


def fresh_cell_evcxr(config):
    """A tensor cell that was never compiled before, milliseconds, beside evcxr_jupyter."""
    if not config.evcxr:
        with Kernel(config.ours) as kernel:
            return fresh_cells(kernel), None
    with Kernel(config.evcxr, config.evcxr_env) as evcxr, Kernel(config.ours) as ours:
        for cell in EVCXR_SETTING:
            evcxr.run(cell)
        ours.run(SETTING)
        for cell in tensor_cells():  # the first of each kind is slower, in both
            evcxr.run(cell)
            ours.run(cell)
        times = [], []
        for _ in range(TURNS):
            for a, b in zip(tensor_cells(), tensor_cells()):
                times[0].append(ours.run(a).seconds * 1e3)
                times[1].append(evcxr.run(b).seconds * 1e3)
        return median(times[0]), median(times[1])


def fresh_cells(kernel):
    kernel.run(SETTING)
    cells = [cell for _ in range(TURNS + 1) for cell in tensor_cells()]
    return median([kernel.run(cell).seconds * 1e3 for cell in cells][len(tensor_cells()) :])


def fresh_cell_rustc(config):
    """The same, beside the compiler alone on a crate with one empty function."""
    with Kernel(config.ours) as kernel, tempfile.TemporaryDirectory() as folder:
        Path(folder, "cell.rs").write_text('#[unsafe(no_mangle)]\npub extern "C" fn run() {}\n')
        flags = "--crate-type=cdylib --edition=2024 -Cprefer-dynamic -Copt-level=0 cell.rs"
        kernel.run(SETTING)
        times = [], []
        for cell in [cell for _ in range(TURNS + 1) for cell in tensor_cells()]:
            times[0].append(kernel.run(cell).seconds * 1e3)
            begin = time.perf_counter()
            subprocess.run([config.rustc, *flags.split()], cwd=folder, check=True)
            times[1].append((time.perf_counter() - begin) * 1e3)
        warm = len(tensor_cells())
        return median(times[0][warm:]), median(times[1][warm:])


def cached_cell(config):
    """A tensor cell that an earlier kernel has compiled, milliseconds."""
    cells = [cell for _ in range(TURNS) for cell in tensor_cells()]
    with Kernel(config.ours) as kernel:
        for cell in [SETTING, *cells]:
            kernel.run(cell)
    with Kernel(config.ours) as kernel:
        kernel.run(SETTING)
        return median(kernel.run(cell).seconds * 1e3 for cell in cells), None


def late_cell(config):
    """A cell about the 200th beside one about the 5th, milliseconds; 100 fns and 50 structs lie between."""
    n = fresh()
    with Kernel(config.ours) as kernel:
        kernel.run(f"fn f{n}(x: i64) -> i64 {{ x + 1 }}")
        kernel.run(f"#[derive(Debug, Clone)] struct S{n} {{ a: i64 }}")

        def measured(count):
            names = [fresh() for _ in range(count)]
            cells = [f"let v{m} = f{n}(S{n} {{ a: {m} }}.a); v{m}" for m in names]
            return median(kernel.run(cell).seconds * 1e3 for cell in cells)

        early = measured(5)
        for i in range(1, 100):
            kernel.run(f"fn f{n}_{i}(x: i64) -> i64 {{ f{n}(x) * {i} }}")
            if i % 2:
                kernel.run(f"#[derive(Debug, Clone)] struct S{n}_{i} {{ a: i64, b: [f32; {i}] }}")
            if i % 3 == 0:
                kernel.run(f"let w{n}_{i} = f{n}_{i}({i});")
        return measured(15), early


def memory(config):
    """Memory after a tensor cell, all processes together, MiB."""

    def ours():
        with Kernel(config.ours) as kernel:
            kernel.run("let x = Tensor::randn([3, 3], (Kind::Float, Device::Cpu)); x.matmul(&x).size()")
            return kernel.pss_mib()

    def peer():
        with Kernel(config.ipykernel) as kernel:
            kernel.run("import torch\nx = torch.randn(3, 3)\nprint((x @ x).shape)")
            return kernel.pss_mib()

    return in_turn(ours, peer if config.ipykernel else None, turns=3)


MATRIX_PRODUCT = """
let n = 512;
let a: Vec<f32> = (0..n * n).map(|i| (i % 7) as f32).collect();
let b: Vec<f32> = (0..n * n).map(|i| (i % 5) as f32).collect();
let mut c = vec![0.0f32; n * n];
let begin = std::time::Instant::now();
for i in 0..n {
    for j in 0..n {
        let mut sum = 0.0;
        for k in 0..n {
            sum += a[i * n + k] * b[k * n + j];
        }
        c[i * n + j] = sum;
    }
}
println!("{} {}", begin.elapsed().as_secs_f64() * 1e3, c.iter().sum::<f32>());
"""


def completion(config):
    """The answer to a Tab from the index, milliseconds: the slowest of many."""
    with Kernel(config.ours) as kernel:
        kernel.run("let losses = vec![0.5];")
        wait_for(lambda: kernel.complete("imrea"))
        times = []
        for text in ["imr", "losses.pu", "Tensor::from_", "std::collections::H", "vision::im"] * TURNS:
            begin = time.perf_counter()
            if not kernel.complete(text):
                raise CellFailed(f"{text} has no completion")
            times.append((time.perf_counter() - begin) * 1e3)
        return max(times), None


# A type that only inference tells, so that rust-analyzer alone can answer.
INFERRED = "let pairs: Vec<_> = losses.iter().map(|x| (x.to_string(), 1)).collect(); pairs[0].0.to_upp"


def analyzer_first(config):
    """From the first question to the first answer of rust-analyzer's, milliseconds."""
    with Kernel(config.ours) as kernel:
        kernel.run("let losses = vec![0.5];")
        wait_for(lambda: kernel.complete("imrea"))
        begin = time.perf_counter()
        wait_for(lambda: kernel.complete(INFERRED))
        return (time.perf_counter() - begin) * 1e3, None


def analyzer_later(config):
    """A later answer of rust-analyzer's, milliseconds: the median of many."""
    with Kernel(config.ours) as kernel:
        kernel.run("let losses = vec![0.5];")
        wait_for(lambda: kernel.complete(INFERRED))
        times = []
        for turn in range(TURNS * 4):
            begin = time.perf_counter()
            if kernel.complete(f"let turn_{turn} = {turn};\n{INFERRED}"):
                times.append((time.perf_counter() - begin) * 1e3)
        if len(times) < TURNS * 2:
            raise CellFailed(f"only {len(times)} of {TURNS * 4} answers came in time")
        return median(times), None


def wait_for(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise CellFailed(f"nothing within {seconds} s")
        time.sleep(0.05)


def loop_cell(config):
    """A naive product of two 512 x 512 f32 matrices written in a cell, milliseconds, beside a release build."""
    with Kernel(config.ours) as kernel, tempfile.TemporaryDirectory() as folder:
        Path(folder, "main.rs").write_text(f"fn main() {{ {MATRIX_PRODUCT} }}")
        subprocess.run([config.rustc, "--edition=2024", "-O", "main.rs"], cwd=folder, check=True)

        def ours():
            return float(kernel.run(MATRIX_PRODUCT).text.split()[0])

        def peer():
            run = subprocess.run([Path(folder, "main")], capture_output=True, text=True, check=True)
            return float(run.stdout.split()[0])

        ours()
        return in_turn(ours, peer)


def in_turn(ours, peer, turns=TURNS):
    """Both by turns, after one round that does not count; the medians."""
    times = [], []
    for turn in range(turns + 1):
        pair = ours(), peer() if peer else None
        if turn:
            times[0].append(pair[0])
            times[1].append(pair[1])
    return median(times[0]), median(times[1]) if peer else None


FIGURES = [
    first_tensor,
    fresh_cell_evcxr,
    fresh_cell_rustc,
    cached_cell,
    late_cell,
    memory,
    completion,
    analyzer_first,
    analyzer_later,
    loop_cell,
]


def main():
    config = Config(sys.argv[1])
    for figure in FIGURES:
        try:
            ours, peer = figure(config)
            row = {"id": figure.__name__, "ours": ours, "peer": peer}
        except (CellFailed, queue.Empty, subprocess.SubprocessError) as error:
            row = {"id": figure.__name__, "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
