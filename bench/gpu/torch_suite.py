"""The suite in PyTorch on the device, beside what the runner measured:
python3 torch_suite.py DATA TRUTH RESULTS.json ALL_SECONDS [SECONDS_OF_A_FIGURE] [MOST_BATCH] [CASE ...]

Reads what bench/gpu/data.ts wrote and the answers of the runner's float64 executor, proves each contender on the items that those
are of, times it by events over rotating copies of its inputs, and adds a row to the results. Each has 15 s for a case, and all
of them together ALL_SECONDS.
"""

import json
import os
import signal
import statistics
import sys
import time

import numpy
import with_torch
from with_torch import Compiled, Steps, torch

MOST_SECONDS = 15
BOUND = 2e-6
COMPILED = ("s2-graph", "o3-2", "o3-mixed")
CASE_SEED = 1
cuda = torch.cuda.is_available()


def mix32(word):
    """Of int64 tensors that hold 32 bits; their products wrap, which leaves the low 32 bits right."""
    word = ((word ^ (word >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
    word = ((word ^ (word >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
    return word ^ (word >> 16)


def inputs_at(seed, count, chunk=1 << 24):
    """What bench/gpu/generator.h fills an operand with. Seeds below 2^32."""
    scalar = lambda value: torch.tensor(value, dtype=torch.int64, device=with_torch.device)
    key = mix32(scalar(seed) ^ mix32(scalar(0x51ED270B)))
    out = torch.empty(count, dtype=torch.float32, device=with_torch.device)
    for begin in range(0, count, chunk):
        index = torch.arange(begin, min(begin + chunk, count), dtype=torch.int64, device=with_torch.device)
        low = mix32((index & 0xFFFFFFFF) ^ key)
        high = mix32((index >> 32) ^ low ^ 0x9E3779B9)
        uniform = ((low >> 5).double() * 67108864.0 + (high >> 6).double()) * 2.0**-53
        out[begin : begin + len(index)] = (2 * uniform - 0.75).float()
    return out


def read_suite(folder):
    cases = []
    for line in open(os.path.join(folder, "suite.txt")):
        key, *values = line.split()
        if key == "case":
            cases.append({"name": values[0]})
        elif key == "batch":
            cases[-1].update(small=int(values[0]), batch=int(values[1]))
        elif key == "least":
            cases[-1]["flops"] = float(values[0])
    return cases


def read_rows(path):
    return [json.loads(line.rstrip(",\n")) for line in open(path) if line.startswith("{")]


def add_row(path, row):
    """The file is a JSON array, whole after every row."""
    with open(path, "r+") as file:
        file.seek(0, os.SEEK_END)
        empty = file.tell() == 4
        file.seek(file.tell() - 3)
        file.write(("\n" if empty else ",\n") + json.dumps(row) + "\n]\n")


class Late(Exception):
    pass


def on_alarm(*_):
    raise Late("out of time")


def prepare(kind, folder, name, form, batch):
    path = os.path.join(folder, "python", f"{name}.{form}")
    task = json.load(open(path + ".json"))
    data, constants, at = numpy.fromfile(path + ".bin", "<f4"), {}, 0
    for constant, shape in task["constants"]:
        size = int(numpy.prod(shape, dtype=int))
        constants[constant] = data[at : at + size].reshape(shape)
        at += size
    inputs = {}
    for seed, operand in enumerate(task["inputs"], CASE_SEED):
        values = inputs_at(seed, batch * operand["size"])
        inputs[f"x{operand['order']}"] = values.reshape(batch, *operand["shape"])
    return kind(task["program"], inputs, constants), task


def error_of(run, task, truth, name, batch):
    """The largest error in norm over the outputs, on the items the truth is of."""
    items = sorted({0, batch // 2, batch - 1})
    worst = 0.0
    for operand in task["outputs"]:
        order = operand["order"]
        right = numpy.fromfile(os.path.join(truth, f"{name}.y{order}.bin"), "<f8").reshape(len(items), -1)
        found = run.results[f"y{order}"][items].cpu().double().numpy().reshape(len(items), -1)
        error = float(numpy.linalg.norm(found - right) / (numpy.linalg.norm(right) or 1))
        worst = worst if error <= worst else error
    return worst


def synchronize():
    if cuda:
        torch.cuda.synchronize()


def times_of(run, sets, seconds):
    """Milliseconds of each run, after some to warm up."""

    def once(at):
        run.inputs = sets[at % len(sets)]
        run.run()

    for at in range(3):
        once(at)
    synchronize()
    start = time.perf_counter()
    once(0)
    synchronize()
    count = int(min(max(seconds / max(time.perf_counter() - start, 1e-6), 5), 200))
    if not cuda:
        times = []
        for at in range(count):
            start = time.perf_counter()
            once(at)
            times.append(1e3 * (time.perf_counter() - start))
        return times
    events = [torch.cuda.Event(enable_timing=True) for _ in range(count + 1)]
    events[0].record()
    for at in range(count):
        once(at)
        events[at + 1].record()
    synchronize()
    return [before.elapsed_time(after) for before, after in zip(events, events[1:])]


def measure(case, contender, kind, form, options, rates):
    data, truth, seconds, most_batch = options
    name, batch = case["name"], min(case["batch"], most_batch)
    row = {"case": name, "contender": contender, "batch": batch}
    run, task = prepare(kind, data, name, form, batch)
    run.run()
    synchronize()
    error = error_of(run, task, truth, name, batch)
    if not error <= BOUND:
        return {"kind": "failure", **row, "reason": f"wrong by {error:.2g}"}
    run.results = None
    bytes_of_inputs = sum(value.numel() * 4 for value in run.inputs.values())
    total = bytes_of_inputs + 4 * batch * sum(operand["size"] for operand in task["outputs"])
    copies = min(8, max(2, -(-3 * l2_bytes() // total)))
    sets = [run.inputs] + [{key: value.clone() for key, value in run.inputs.items()} for _ in range(copies - 1)]
    times = sorted(times_of(run, sets, seconds))
    ms = statistics.median(times)
    flops = case["flops"] * batch
    row.update(ms=ms, low=times[len(times) // 4], high=times[3 * len(times) // 4], runs=len(times), error=error)
    row.update(bytes=total, flops=flops, bytes_per_second=1e3 * total / ms, flops_per_second=1e3 * flops / ms)
    if rates.get("copy") and rates.get("FFMA"):
        row["share"] = 1e3 * max(total / rates["copy"], flops / rates["FFMA"]) / ms
    return {"kind": "throughput", **row}


def l2_bytes():
    return torch.cuda.get_device_properties(0).L2_cache_size if cuda else 1 << 20


def main(data, truth, results, all_seconds, seconds="0.4", most_batch=str(1 << 40), *names):
    end = time.monotonic() + float(all_seconds)
    with_torch.start(os.cpu_count() or 1, "cuda" if cuda else "cpu")
    rates = {}
    for row in read_rows(results):
        if row["kind"] == "rate":
            name = "copy" if row["name"].startswith("copy") else row["name"]
            rates[name] = max(rates.get(name, 0), row["value"])
    properties = {"torch": torch.__version__, "device": torch.cuda.get_device_name(0) if cuda else "cpu"}
    add_row(results, {"kind": "software", **properties})
    signal.signal(signal.SIGALRM, on_alarm)
    for case in read_suite(data):
        if names and case["name"] not in names:
            continue
        contenders = [("torch einsum", Steps, "einsum"), ("torch shared", Steps, "shared")]
        if case["name"] in COMPILED:
            contenders.append(("torch compiled", Compiled, "shared"))
        for contender, kind, form in contenders:
            left = int(min(MOST_SECONDS, end - time.monotonic()))
            if left < 1:
                reason = "no time was left"
                add_row(results, {"kind": "skip", "case": case["name"], "contender": contender, "reason": reason})
                continue
            signal.alarm(left)
            try:
                row = measure(case, contender, kind, form, (data, truth, float(seconds), int(most_batch)), rates)
            except Exception as error:  # noqa: BLE001: one contender that fails must not end the others
                reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
                row = {"kind": "skip", "case": case["name"], "contender": contender, "reason": reason}
            finally:
                signal.alarm(0)
            add_row(results, row)
            if cuda:
                torch.cuda.empty_cache()


if __name__ == "__main__":
    main(*sys.argv[1:])
