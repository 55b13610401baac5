"""Contenders in PyTorch."""

import importlib
import itertools
import os
import shutil

import numpy
import torch
from value_layout import BATCH, CHANNELS, Layout


# Where everything lies.
device = "cpu"


def start(threads, on="cpu"):
    global device
    torch.set_num_threads(threads)
    device = on


def tensor(array):
    """An array of numpy on the device; a tensor as it is."""
    return array if torch.is_tensor(array) else torch.from_numpy(array).to(device)


class Steps:
    """The steps of a program, one or two tensor operations each, prepared as far as the program alone allows."""

    def __init__(self, program, inputs, constants):
        self.layout = Layout(program["channelsFirst"])
        self.inputs = {name: tensor(array) for name, array in inputs.items()}
        self.constants = {name: tensor(array) for name, array in constants.items()}
        self.batch = next(iter(self.inputs.values())).shape[0]
        self.steps = [(step["to"], getattr(self, step["op"])(step)) for step in program["steps"]]
        self.outputs = [to for to, _ in self.steps if to.startswith("y")]

    def compute(self, inputs):
        values = dict(inputs)
        for to, function in self.steps:
            values[to] = function(values)
        return {name: values[name] for name in self.outputs}

    @torch.inference_mode()
    def run(self):
        self.results = self.compute(self.inputs)

    def output(self):
        return {name: value.numpy() for name, value in self.results.items()}

    def pick(self, step):
        source, labels, diagonals = step["from"], self.layout.labels(step["pick"]), []
        for label in set(step["pick"]):
            while labels.count(label) > 1:
                a = labels.index(label)
                b = labels.index(label, a + 1)
                diagonals.append((a, b))
                labels = [each for axis, each in enumerate(labels) if axis not in (a, b)] + [label]
        order = [labels.index(label) for label in self.layout.labels(sorted(set(step["pick"])))]

        def pick(values):
            value = values[source]
            for a, b in diagonals:
                value = value.diagonal(0, a, b)
            return value.permute(order)

        return pick

    def sum(self, step):
        source, axes = step["from"], [self.layout.lead + axis for axis in step["axes"]]
        return lambda values: values[source].sum(axes)

    def gather(self, step):
        layout, shape, channels = self.layout, step["shape"], self.channels(step)
        index, sign = (numpy.array(step[name]).reshape(-1, step["terms"]) for name in ("index", "sign"))
        # The positive terms of every row first: most columns of terms then have one sign.
        order = numpy.argsort(-sign, 1, "stable")
        columns = []
        for rows, signs in zip(*(numpy.take_along_axis(each, order, 1).T for each in (index, sign))):
            factor = tensor(signs.astype("f4"))[:, None] if len(set(signs)) > 1 else float(signs[0])
            factor = factor[:, 0] if layout.first and torch.is_tensor(factor) else factor
            columns.append((tensor(rows), factor))

        def gather(values):
            value = channels(values)
            flat = value.reshape(layout.shape(value.shape, [-1]))
            total = None
            for rows, factor in columns:
                part = flat.index_select(layout.lead, rows)
                if torch.is_tensor(factor):
                    part, factor = part.mul_(factor), 1.0
                if total is None:
                    total = part if factor == 1 else part.mul_(factor)
                else:
                    total.add_(part, alpha=factor)
            return total.reshape(layout.shape(value.shape, shape))

        return gather

    def channels(self, part):
        source, begin, count, axis = part["from"], part["begin"], part.get("count"), self.layout.channel
        if count is None:
            return lambda values: values[source]

        def channels(values):
            value = values[source]
            return value if value.shape[axis] == count else value.narrow(axis, begin, count)

        return channels

    def stack(self, step):
        sources, axis = step["from"], self.layout.channel
        return lambda values: torch.cat([values[name] for name in sources], axis)

    def mix(self, step):
        sources, first = step["from"], self.layout.first
        # Adding product to product beats one product with everything side by side: that would have to be written first.
        weights = self.constants[step["weight"]].chunk(len(sources))
        bias = self.constants.get(step.get("bias"))
        transposed = [weight.T.contiguous() for weight in weights]

        def mix(values):
            head, *_ = operands = [values[source] for source in sources]
            if first and head.dim() > 2:
                factors = [weight.expand(head.shape[0], -1, -1) for weight in transposed]
                pairs = list(zip(factors, (value.flatten(2) for value in operands)))
                product = torch.bmm(*pairs[0]) if bias is None else torch.baddbmm(bias[:, None], *pairs[0])
                for pair in pairs[1:]:
                    product.baddbmm_(*pair)
                return product.unflatten(2, head.shape[2:])
            pairs = [(value.reshape(-1, len(weight)), weight) for value, weight in zip(operands, weights)]
            product = torch.mm(*pairs[0]) if bias is None else torch.addmm(bias, *pairs[0])
            for pair in pairs[1:]:
                product.addmm_(*pair)
            return product.reshape(*head.shape[:-1], -1)

        return mix

    def constant(self, step):
        value = self.constants[step["value"]][None]
        return lambda values: value

    def einsum(self, step):
        name, index = step["weight"]
        factors = [self.constants[table] for table in step["tables"]] + [self.constants[name][index]]
        return lambda values: torch.einsum(step["equation"], values[step["from"]], *factors)

    def add(self, step):
        terms = [self.term(term, step["shape"]) for term in step["terms"]]
        sizes = {BATCH: self.batch, CHANNELS: step["channels"]}
        shape = [sizes.get(label, label) for label in self.layout.labels(step["shape"])]
        first, *rest = terms if terms and is_whole(step["terms"][0]) else [None, *terms]

        def add(values):
            if first is None:
                total = torch.zeros(shape, device=device)
            else:
                total = first.value(values)
                # In place where nobody else reads it: a product or sum of its own, all of its channels.
                if total.shape[0] != self.batch or not total.is_contiguous():
                    total = total.expand(shape).contiguous()
            for term in rest:
                term.add_to(total, values)
            return total

        return add

    def term(self, term, shape):
        return Term(self.channels(term), term, shape, self.layout)


def is_whole(term):
    return not term["ties"] and -1 not in term["axes"]


class Term:
    """Adds a value to a sum: a view of the value to a view of the sum, a diagonal of it where axes are tied."""

    def __init__(self, channels, term, shape, layout):
        self.channels = channels
        axes = term["axes"]
        self.order = self.along(layout.labels([{at} for at in range(len(shape))]), axes, layout)
        self.views = []
        for lines in itertools.product(*(tie["lines"] for tie in term["ties"])):
            labels = layout.labels([{at} for at in range(len(shape))])
            sign, slices, diagonals = 1, [slice(None)] * len(labels), []
            for tie, line in zip(term["ties"], lines):
                for at, begin, step in zip(tie["at"], line["start"], line["step"]):
                    # A line along all of an axis needs no cut, which an axis of an earlier tie could not have.
                    if line["count"] < shape[at]:
                        slices[layout.lead + at] = slice(begin, begin + step * (line["count"] - 1) + 1, step)
                a, b = (next(i for i, label in enumerate(labels) if {at} <= set(label)) for at in tie["at"])
                diagonals.append((a, b))
                merged = labels[a] | labels[b]
                labels = [label for axis, label in enumerate(labels) if axis not in (a, b)] + [merged]
                sign *= line["sign"]
            self.views.append((tuple(slices), diagonals, sign, self.along(labels, axes, layout)))

    @staticmethod
    def along(labels, axes, layout):
        """The order of the value's axes along labelled ones, and the places where it has none."""
        own = layout.labels(range(sum(axis >= 0 for axis in axes)))
        order, missing = [], []
        for place, label in enumerate(labels):
            if isinstance(label, set):
                axis = next((axes[at] for at in label if axes[at] >= 0), None)
                missing += [place] if axis is None else []
                order += [] if axis is None else [own.index(axis)]
            else:
                order.append(own.index(label))
        return order, missing

    def value(self, values, order=None):
        order, missing = order or self.order
        value = self.channels(values).permute(order)
        for place in missing:
            value = value.unsqueeze(place)
        return value

    def add_to(self, total, values):
        for slices, diagonals, sign, order in self.views:
            view = total[slices]
            for a, b in diagonals:
                view = view.diagonal(0, a, b)
            view.add_(self.value(values, order), alpha=sign)


class Compiled(Steps):
    """The same by torch.compile."""

    def __init__(self, program, inputs, constants):
        if not any(map(shutil.which, [os.environ.get("CXX", "g++"), "clang++"])):
            raise Unfit("torch.compile needs a C++ compiler")
        super().__init__(program, inputs, constants)
        # Every problem has code of its own, however many there are.
        config = importlib.import_module("torch._dynamo").config
        config.recompile_limit = config.accumulated_recompile_limit = 2**20
        self.compute = torch.compile(self.compute, dynamic=False)


class Unfit(Exception):
    """A reason to sit a problem out."""

    skip = True


class Dense:
    """One product with the matrix of all orders, made of the steps applied to unit vectors."""

    def __init__(self, program, inputs, constants):
        linear = {name: 0 * array if name.startswith("b") else array for name, array in constants.items()}
        shapes = {name: array.shape[1:] for name, array in inputs.items()}
        sizes = [shape.numel() for shape in map(torch.Size, shapes.values())]
        self.matrices = {}
        for begin in range(0, sum(sizes), 256):
            rows = torch.zeros(min(256, sum(sizes) - begin), sum(sizes))
            rows.diagonal(begin).fill_(1)
            parts = zip(shapes, rows.split(sizes, 1))
            steps = Steps(program, {name: part.reshape(-1, *shapes[name]).numpy() for name, part in parts}, linear)
            steps.run()
            for name, value in steps.results.items():
                whole = self.matrices.setdefault(name, torch.empty(sum(sizes), value[0].numel()))
                whole[begin : begin + len(rows)] = value.flatten(1)
        zero = Steps(program, {name: array[:1] * 0 for name, array in inputs.items()}, constants)
        zero.run()
        self.biases = {name: (value.flatten(), value.shape[1:]) for name, value in zero.results.items()}
        self.inputs = [torch.from_numpy(array).flatten(1) for array in inputs.values()]

    @torch.inference_mode()
    def run(self):
        x = torch.cat(self.inputs, 1) if len(self.inputs) > 1 else self.inputs[0]
        self.results = {name: torch.addmm(self.biases[name][0], x, matrix) for name, matrix in self.matrices.items()}

    def output(self):
        return {name: value.numpy() for name, value in self.results.items()}


contenders = {"dense": Dense, "einsum": Steps, "shared": Steps, "compiled": Compiled}
