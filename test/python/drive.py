"""Runs reference_layer.py on the cases of reference-layer.test.ts: python3 drive.py FOLDER ...

Each folder has model, x and g; it gets y, the gradients of <g, y> by autograd, the model saved again, and the model with other
parameters beside what they give."""

import json
import sys

import torch
from reference_layer import ReferenceLayer, read_safetensors, write_safetensors


def by_order(path):
    return {int(order): tensor for order, tensor in read_safetensors(path)[0].items()}


def named(tensors):
    return {str(name): tensor for name, tensor in tensors.items()}


def run(folder):
    layer = ReferenceLayer.load(f"{folder}/model.safetensors")
    layer.save(f"{folder}/again.safetensors")
    x = by_order(f"{folder}/x.safetensors")
    g = by_order(f"{folder}/g.safetensors")
    for tensor in x.values():
        tensor.requires_grad_()
    y = layer(x)
    write_safetensors(f"{folder}/y.safetensors", named(y), {})
    sum((y[order].double() * g[order].double()).sum() for order in y).backward()
    zeros = {name: torch.zeros_like(tensor) for name, tensor in [*x.items(), *layer.named_parameters()]}
    gradients = {name: tensor.grad for name, tensor in [*x.items(), *layer.named_parameters()]}
    found = {name: zeros[name] if gradients[name] is None else gradients[name] for name in zeros}
    write_safetensors(f"{folder}/gradients.safetensors", named(found), {})

    torch.manual_seed(5)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_()
        layer.save(f"{folder}/new.safetensors")
        write_safetensors(f"{folder}/new-y.safetensors", named(layer(x)), {})


def refusals(folder):
    """What is wrong with each model of a folder, by the name of its file."""
    errors = {}
    for name in ("format", "group", "shape", "metadata", "dtype"):
        try:
            ReferenceLayer.load(f"{folder}/{name}.safetensors")
            errors[name] = "none"
        except (ValueError, RuntimeError) as error:
            errors[name] = str(error)
    with open(f"{folder}/errors.json", "w") as file:
        json.dump(errors, file)


for each in sys.argv[2:]:
    run(each)
refusals(sys.argv[1])
