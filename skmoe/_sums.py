"""Sums over rows that are made in parts, maybe elsewhere, and added up."""


class SumsMixin:
    """What terms of the likelihood have collected from rows, as something to add.

    A subclass names the attributes in which it collects (``_collects``).
    """

    _collects: tuple = ()

    def collected(self):
        """What has been collected since the parameters were taken on."""
        return tuple(getattr(self, name) for name in self._collects)

    def add(self, collected):
        """Add what others have collected with the same parameters."""
        for name, value in zip(self._collects, collected, strict=True):
            setattr(self, name, getattr(self, name) + value)


def add_nested(first, second):
    """The sum of two nested tuples of numbers and arrays; None is left as it is."""
    if isinstance(first, tuple):
        return tuple(map(add_nested, first, second))
    return None if first is None else first + second
