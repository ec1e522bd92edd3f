"""What of the package is public, and has a page in the documentation."""

import inspect
from importlib import import_module

ROOMS = [
    "skmoe",
    "skmoe.gates",
    "skmoe.likelihoods",
    "skmoe.inspection",
    "skmoe.datasets",
    "skmoe.metrics",
]
# The functions of these rooms serve the other rooms; users meet the classes.
ROOMS_OF_CLASSES = {"skmoe.gates", "skmoe.likelihoods"}


def public_objects():
    """Full name of every object that has a page, and the object."""
    objects = {}
    for room in ROOMS:
        module = import_module(room)
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value) or (
                inspect.isfunction(value) and room not in ROOMS_OF_CLASSES
            ):
                objects[f"{room}.{name}"] = value
    return objects


def public_methods(cls):
    """Names of the public methods and properties that this package defines."""
    members = {name: getattr(cls, name) for name in dir(cls) if not name.startswith("_")}
    return [
        name
        for name, member in members.items()
        if isinstance(member, property)
        or getattr(member, "__module__", "").split(".")[0] == "skmoe"
    ]
