"""Contenders in JAX, by jit."""

import jax
import jax.numpy as jnp
import numpy
from value_layout import BATCH, CHANNELS, Layout


def start(threads):
    """XLA takes its threads from NPROC when the process starts."""


class Jitted:
    def run(self):
        self.results = jax.block_until_ready(self.function(self.inputs, self.constants))

    def output(self):
        return {name: numpy.asarray(value) for name, value in self.results.items()}


class Steps(Jitted):
    """The steps of a program as one compiled function of the inputs and the constants."""

    def __init__(self, program, inputs, constants):
        self.layout = Layout(program["channelsFirst"])
        self.inputs = {name: jnp.array(array) for name, array in inputs.items()}
        self.constants = {name: jnp.array(array) for name, array in constants.items()}
        self.batch = next(iter(inputs.values())).shape[0]
        self.steps = program["steps"]
        self.function = jax.jit(self.compute)

    def compute(self, inputs, constants):
        values = dict(inputs)
        for step in self.steps:
            values[step["to"]] = getattr(self, step["op"])(step, values, constants)
        return {name: value for name, value in values.items() if name.startswith("y")}

    def pick(self, step, values, _):
        value, pick = values[step["from"]], step["pick"]
        layout, kept = self.layout, sorted(set(pick))
        extents = [value.shape[layout.lead + axis] for axis in range(len(pick))]
        if len(kept) == len(pick):
            order = [layout.labels(pick).index(label) for label in layout.labels(kept)]
            return value.transpose(order)
        # A diagonal is a gather of the flattened indices, along its own: every step of one index moves all its axes.
        strides = numpy.cumprod([1, *extents[:0:-1]])[::-1]
        steps = [sum(int(s) for s, to in zip(strides, pick) if to == label) for label in kept]
        shape = [extents[pick.index(label)] for label in kept]
        flat = value.reshape(layout.shape(value.shape, [-1]))
        if len(kept) == 1:
            end = steps[0] * (shape[0] - 1) + 1
            return jax.lax.slice_in_dim(flat, 0, end, steps[0], layout.lead)
        index = sum(numpy.arange(e).reshape([-1] + [1] * (len(shape) - 1 - at)) * s for at, (e, s) in enumerate(zip(shape, steps)))
        return jnp.take(flat, index.reshape(-1), axis=layout.lead).reshape(layout.shape(value.shape, shape))

    def sum(self, step, values, _):
        return values[step["from"]].sum(tuple(self.layout.lead + axis for axis in step["axes"]))

    def channels(self, part, values):
        value, count = values[part["from"]], part.get("count")
        if count is None:
            return value
        return jax.lax.slice_in_dim(value, part["begin"], part["begin"] + count, axis=self.layout.channel % value.ndim)

    def gather(self, step, values, _):
        layout, value = self.layout, self.channels(step, values)
        sign = numpy.array(step["sign"], numpy.float32).reshape(-1, step["terms"])
        flat = value.reshape(layout.shape(value.shape, [-1]))
        terms = jnp.take(flat, numpy.array(step["index"]), axis=layout.lead)
        terms = terms.reshape(layout.shape(value.shape, sign.shape)) * (sign if layout.first else sign[:, :, None])
        return terms.sum(layout.lead + 1).reshape(layout.shape(value.shape, step["shape"]))

    def stack(self, step, values, _):
        return jnp.concatenate([values[name] for name in step["from"]], self.layout.channel)

    def mix(self, step, values, constants):
        operands = [values[name] for name in step["from"]]
        weights = jnp.split(constants[step["weight"]], len(operands))
        value = operands[0]
        if self.layout.first and value.ndim > 2:
            flat = [each.reshape(*each.shape[:2], -1) for each in operands]
            product = sum(jnp.einsum("km,bkn->bmn", weight, each) for weight, each in zip(weights, flat))
            product = product.reshape(value.shape[0], -1, *value.shape[2:])
        else:
            flat = [each.reshape(-1, each.shape[-1]) for each in operands]
            product = sum(each @ weight for each, weight in zip(flat, weights)).reshape(*value.shape[:-1], -1)
        if "bias" not in step:
            return product
        shape = [-1 if label == CHANNELS else 1 for label in self.layout.labels([0] * (value.ndim - 2))]
        return product + constants[step["bias"]].reshape(shape)

    def constant(self, step, _, constants):
        return constants[step["value"]][None]

    def add(self, step, values, _):
        layout, terms = self.layout, step["terms"]
        sizes = {BATCH: self.batch, CHANNELS: step["channels"]}
        total = jnp.zeros([sizes.get(label, label) for label in layout.labels(step["shape"])], jnp.float32)
        for term in terms:
            axes, value = term["axes"], self.channels(term, values)
            own = layout.labels(range(sum(axis >= 0 for axis in axes)))
            value = value.transpose([own.index(label) for label in layout.labels([a for a in axes if a >= 0])])
            value = jnp.expand_dims(value, [layout.lead + at for at, axis in enumerate(axes) if axis < 0])
            total = total + value * self.mask(term["ties"], step["shape"]) if term["ties"] else total + value
        return total

    def mask(self, ties, shape):
        """One where the ties hold, minus one where a form has that sign, else zero."""
        factors = numpy.ones([1] * len(shape), numpy.float32)
        for tie in ties:
            (a, b), table = tie["at"], None
            table = numpy.zeros((shape[a], shape[b]), numpy.float32)
            for line in tie["lines"]:
                t = numpy.arange(line["count"])
                places = [start + t * step for start, step in zip(line["start"], line["step"])]
                table[places[0], places[1]] = line["sign"]
            factors = factors * table.reshape([e if at in (a, b) else 1 for at, e in enumerate(shape)])
        return factors if self.layout.first else factors[..., None]


class Dense(Jitted):
    """One product with the matrix of all orders, made of the steps applied to unit vectors."""

    def __init__(self, program, inputs, constants):
        linear = {name: 0 * array if name.startswith("b") else array for name, array in constants.items()}
        shapes = {name: array.shape[1:] for name, array in inputs.items()}
        ends = numpy.cumsum([numpy.prod(shape, dtype=int) for shape in shapes.values()])
        total, matrices = int(ends[-1]), {}
        # As many rows each time, so that there is one function to compile.
        steps = Steps(program, {name: numpy.zeros((256, *shape), numpy.float32) for name, shape in shapes.items()}, linear)
        for begin in range(0, total, 256):
            unit = numpy.split(numpy.eye(256, total, begin, numpy.float32), ends[:-1], 1)
            steps.inputs = {name: jnp.array(part.reshape(-1, *shapes[name])) for name, part in zip(shapes, unit)}
            steps.run()
            for name, value in steps.output().items():
                whole = matrices.setdefault(name, numpy.empty((total, value[0].size), numpy.float32))
                whole[begin : begin + 256] = value.reshape(256, -1)[: total - begin]
        zero = Steps(program, {name: array[:1] * 0 for name, array in inputs.items()}, constants)
        zero.run()
        self.inputs = {name: jnp.array(array) for name, array in inputs.items()}
        self.constants = {name: jnp.array(matrices.pop(name)) for name in list(matrices)}
        self.constants.update({f"bias {name}": value for name, value in zero.results.items()})
        self.function = jax.jit(self.compute)

    @staticmethod
    def compute(inputs, constants):
        x = jnp.concatenate([value.reshape(value.shape[0], -1) for value in inputs.values()], 1)
        biases = {name[5:]: value for name, value in constants.items() if name.startswith("bias ")}
        return {name: (x @ constants[name]).reshape(-1, *bias.shape[1:]) + bias for name, bias in biases.items()}


contenders = {"dense": Dense, "shared": Steps}
