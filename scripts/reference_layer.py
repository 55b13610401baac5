"""A layer of brauer in plain PyTorch, by its definition: one matrix for every diagram, multiplied as it is. It is slow, short and
differentiable, and it reads and writes the model files of brauer. Nothing but torch is needed; reference_layer.md tells more.

    layer = ReferenceLayer.load("model.safetensors")     # as saveModel of brauer writes it
    y = layer({1: x1, 2: x2})                            # {order: [batch, n, ..., n, channels]}, results likewise
    layer.save("trained.safetensors")                    # for loadModel of brauer

    python3 reference_layer.py model.safetensors x.safetensors y.safetensors     # tensors named by order
"""

import ctypes
import json
import struct
import sys

import torch

DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
STORAGE = {"float64": torch.float64, "float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
GROUPS = ("S", "O", "SO", "Sp")


class ReferenceLayer(torch.nn.Module):
    """W x + b with W = sum of weight[d] times the matrix of diagram d. The names of its state_dict are those of the file:
    weight.k.l [diagrams, C_in, C_out] for maps from order k to order l, bias.l [diagrams, C_out]. Parameters start as zeros;
    those of a 16-bit layer are float32, as is the arithmetic."""

    def __init__(self, specification):
        """specification: the metadata entry "brauer" of a model file, decoded."""
        super().__init__()
        if specification.get("format") != 1:
            raise ValueError(f"format: expected 1, received {specification.get('format')!r}")
        if specification["group"] not in GROUPS:
            raise ValueError(f"group: expected one of {', '.join(GROUPS)}, received {specification['group']!r}")
        self.specification = specification
        self.group, self.n = specification["group"], specification["n"]
        self.input = {int(k): channels for k, channels in specification["spaces"]["input"].items()}
        self.output = {int(l): channels for l, channels in specification["spaces"]["output"].items()}
        options = specification["options"]
        self.dtype = STORAGE[options.get("dtype", "float32")]
        self.channels_first = options.get("layout") == "channels-first"
        self.mean = options.get("normalize") == "mean"

        self.weight = torch.nn.ModuleDict()
        self.bias = torch.nn.ParameterDict()
        compute = torch.float64 if self.dtype == torch.float64 else torch.float32
        for name, keys in specification["diagrams"].items():
            kind, *orders = name.split(".")
            k, l = [0, *map(int, orders)][-2:]
            channels = [self.output[l]] if kind == "bias" else [self.input[k], self.output[l]]
            values = torch.nn.Parameter(torch.zeros([len(keys), *channels], dtype=compute))
            if kind == "bias":
                self.bias[str(l)] = values
            else:
                if str(k) not in self.weight:
                    self.weight[str(k)] = torch.nn.ParameterDict()
                self.weight[str(k)][str(l)] = values
            matrices = torch.stack([matrix(self.group, self.n, key, k, l) for key in keys])
            scales = [self.n ** -closed_blocks(key, l) if self.mean else 1.0 for key in keys]
            self.register_buffer(f"{kind}_matrices_{k}_{l}", matrices, persistent=False)
            self.register_buffer(f"{kind}_scales_{k}_{l}", torch.tensor(scales, dtype=compute), persistent=False)

    def forward(self, x):
        """x: {order: tensor} for every order of the input space; returns the same for the output space."""
        if sorted(x) != sorted(self.input):
            raise ValueError(f"x: expected the orders {sorted(self.input)}, received {sorted(x)}")
        batch = next(iter(x.values())).shape[0]
        rows = {k: self._rows(x[k], k, batch) for k in self.input}
        y = {}
        for l, channels in self.output.items():
            total = next(iter(rows.values())).new_zeros(batch, self.n**l, channels)
            for k in self.input:
                if str(k) in self.weight and str(l) in self.weight[str(k)]:
                    for m, w in self._terms("weight", k, l, self.weight[str(k)][str(l)]):
                        total = total + m @ (rows[k] @ w)
            if str(l) in self.bias:
                for m, b in self._terms("bias", 0, l, self.bias[str(l)]):
                    total = total + m * b
            if self.channels_first:
                total = total.transpose(1, 2)
            y[l] = total.reshape(self._shape(batch, channels, l)).to(self.dtype)
        return y

    def _shape(self, batch, channels, order):
        indices = [self.n] * order
        return [batch, channels, *indices] if self.channels_first else [batch, *indices, channels]

    def _rows(self, x, k, batch):
        """[batch, n^k, C], in the dtype of the arithmetic."""
        expected = self._shape(batch, self.input[k], k)
        if list(x.shape) != expected or x.dtype != self.dtype:
            raise ValueError(f"x[{k}]: expected {self.dtype} {expected}, received {x.dtype} {list(x.shape)}")
        x = x.double() if self.dtype == torch.float64 else x.float()
        if self.channels_first:
            return x.reshape(batch, self.input[k], self.n**k).transpose(1, 2)
        return x.reshape(batch, self.n**k, self.input[k])

    def _terms(self, kind, k, l, values):
        matrices = getattr(self, f"{kind}_matrices_{k}_{l}")
        scales = getattr(self, f"{kind}_scales_{k}_{l}")
        return [(m.to(values.dtype) * s, w) for m, s, w in zip(matrices, scales, values)]

    @classmethod
    def load(cls, path):
        """The layer of a model file."""
        tensors, metadata = read_safetensors(path)
        if "brauer" not in metadata:
            raise ValueError(f"{path}: expected a metadata entry 'brauer', received {sorted(metadata)}")
        layer = cls(json.loads(metadata["brauer"]))
        layer.load_state_dict(tensors)
        return layer

    def save(self, path):
        """Writes a model file, the same bytes that brauer writes for these parameters."""
        text = json.dumps(self.specification, ensure_ascii=False, separators=(",", ":"))
        write_safetensors(path, self.state_dict(), {"brauer": text})


def blocks(key):
    """The blocks of a diagram's key such as "1,4|!2,3,5": pairs of (vertices, whether they are the free vertices of SO(n))."""
    return [([int(v) for v in b.lstrip("!").split(",")], b.startswith("!")) for b in key.split("|")] if key else []


def closed_blocks(key, l):
    """The number of blocks that lie in the input's row alone, the free vertices not counted."""
    return sum(not free and min(vertices) > l for vertices, free in blocks(key))


def matrix(group, n, key, k, l):
    """The matrix of a (k,l)-diagram, [n^l, n^k] of -1, 0 and 1. Vertices 1 ... l are the output's indices, the rest the input's."""
    count = l + k
    # x[v - 1] is the value of vertex v along its own axis.
    x = [torch.arange(n).reshape([n if axis == v else 1 for axis in range(count)]) for v in range(count)]
    entries = torch.ones([n] * count, dtype=torch.int8)
    for vertices, free in blocks(key):
        values = [x[v - 1] for v in vertices]
        if free:
            # The sign of the values as a permutation, zero where two agree.
            for i in range(n):
                for j in range(i):
                    entries = entries * torch.sign(values[i] - values[j]).to(torch.int8)
        elif group == "Sp" and (vertices[0] <= l) == (vertices[1] <= l):
            # The symplectic form in the basis 1, 1', 2, 2', ...
            a, b = values
            entries = entries * ((a // 2 == b // 2) * (b - a)).to(torch.int8)
        else:
            for a, b in zip(values, values[1:]):
                entries = entries * (a == b)
    return entries.reshape(n**l, n**k)


def read_safetensors(path):
    """The tensors and the metadata of a safetensors file: a length (8 bytes), a header of JSON, the data."""
    with open(path, "rb") as file:
        content = file.read()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    data = bytearray(content[8 + length :])
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        if entry["dtype"] not in DTYPES:
            raise ValueError(f"{path}: {name}: expected a dtype out of {', '.join(DTYPES)}, received {entry['dtype']}")
        # Of its own memory: where it begins in the file may be no multiple of its width.
        part = data[begin:end]
        dtype = DTYPES[entry["dtype"]]
        flat = torch.frombuffer(part, dtype=dtype) if part else torch.empty(0, dtype=dtype)
        tensors[name] = flat.reshape(entry["shape"])
    return tensors, metadata


def write_safetensors(path, tensors, metadata):
    """Writes tensors by name, the wide dtypes first and then by name, so that all data is aligned."""
    parts = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    header = {"__metadata__": dict(sorted(metadata.items()))} if metadata else {}
    order = sorted(parts, key=lambda name: (-parts[name].element_size(), name))
    end = 0
    for name in order:
        begin, end = end, end + parts[name].nbytes
        header[name] = {"dtype": NAMES[parts[name].dtype], "shape": list(parts[name].shape), "data_offsets": [begin, end]}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in order:
            file.write(ctypes.string_at(parts[name].data_ptr(), parts[name].nbytes) if parts[name].nbytes else b"")


def main(arguments):
    if len(arguments) != 3:
        sys.exit("usage: python3 reference_layer.py model.safetensors x.safetensors y.safetensors")
    model, source, target = arguments
    layer = ReferenceLayer.load(model)
    x, _ = read_safetensors(source)
    with torch.no_grad():
        y = layer({int(order): tensor for order, tensor in x.items()})
    write_safetensors(target, {str(order): tensor for order, tensor in y.items()}, {})


if __name__ == "__main__":
    main(sys.argv[1:])
