"""Runs contenders in Python: requests on standard input, answers on standard output.

A message is the length of its header in bytes and the number of its elements, both little-endian and of 32 bits; the header in
JSON, which lists the arrays by name and shape; and their elements, little-endian float32.
Requests: prepare (a contender on a problem), time (milliseconds of some runs by time.perf_counter), output, close.
"""

import importlib
import json
import os
import struct
import sys
import time

missing = None
try:
    import numpy
except ImportError as error:
    missing = str(error)

# What a library prints must not get between the answers.
answers = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)


def receive():
    lengths = sys.stdin.buffer.read(8)
    if len(lengths) < 8:
        return None
    header_bytes, elements = struct.unpack("<II", lengths)
    header = json.loads(sys.stdin.buffer.read(header_bytes))
    data = numpy.empty(elements, "<f4")
    view, at = memoryview(data).cast("B"), 0
    while at < len(view):
        count = sys.stdin.buffer.readinto(view[at:])
        if not count:
            return None
        at += count
    arrays, begin = {}, 0
    for name, shape in header["arrays"]:
        size = int(numpy.prod(shape, dtype=numpy.int64))
        arrays[name] = data[begin : begin + size].reshape(shape)
        begin += size
    return header, arrays


def send(header, arrays=()):
    arrays = [(name, numpy.ascontiguousarray(array, "<f4")) for name, array in arrays]
    text = json.dumps({**header, "arrays": [[name, array.shape] for name, array in arrays]}).encode()
    answers.write(struct.pack("<II", len(text), sum(array.size for _, array in arrays)))
    answers.write(text)
    for _, array in arrays:
        answers.write(memoryview(array.reshape(-1)).cast("B"))
    answers.flush()


def split(arrays, sign):
    return {name[1:]: array for name, array in arrays.items() if name[0] == sign}


def warm_up(run):
    """Compiles, and gives the allocator the runs it takes until freed memory fits what is asked for next."""
    start, count = time.perf_counter(), 0
    while count == 0 or (count < 8 and time.perf_counter() - start < 1):
        run()
        count += 1


def serve(module):
    runs = {}
    while (message := receive()) is not None:
        header, arrays = message
        try:
            what, handle = header["what"], header["handle"]
            if what == "prepare":
                inputs, constants = split(arrays, "<"), split(arrays, "=")
                make = module.contenders[header["contender"]]
                runs[handle] = make(header["program"], inputs, constants)
                warm_up(runs[handle].run)
                send({})
            elif what == "time":
                run = runs[handle].run
                start = time.perf_counter()
                for _ in range(header["repeats"]):
                    run()
                send({"ms": 1e3 * (time.perf_counter() - start)})
            elif what == "output":
                send({}, [(name, value) for name, value in runs[handle].output().items()])
            elif what == "close":
                runs.pop(handle, None)
                send({})
        except Exception as error:  # noqa: BLE001: the answer says what went wrong
            reason = getattr(error, "skip", False)
            send({"skip": str(error)} if reason else {"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    try:
        library = None if missing else importlib.import_module(sys.argv[1])
    except ImportError as error:
        missing = str(error)
    if missing:
        send({"missing": missing})
    else:
        library.start(int(sys.argv[2]))
        send({})
        serve(library)
