"""Short runs for a start whose rows come from one expert in groups."""

from skmoe.training._short_runs import ShortRuns


class GroupedShortRuns(ShortRuns):
    """Short runs in which all rows of a group choose a plane, and are shared, together.

    The gate's logits are linear, so that of a group's mean is the mean of its rows'.

    Parameters
    ----------
    rows : GroupedSummary
    n_experts, n_candidates : int
    random_state : RandomState
    """

    def _distances(self):
        return _added_up(super()._distances(), self.rows)

    def _log_terms(self, columns, rows):
        log_gate, density = super()._log_terms(columns, rows)
        return _mean(log_gate, rows), _added_up(density, rows)

    def _log_located_density(self):
        return _mean(super()._log_located_density(), self.rows)

    @property
    def _unit_weights(self):
        """Of rows, so that those of a group sum to one."""
        data = self.rows.data
        return data.weights / data.mass[data.groups.codes]


def _added_up(values, rows):
    """Weighted sums over the rows of a group, at each of them: (..., n_samples)."""
    data = rows.data
    flat = values.reshape(-1, values.shape[-1]).T
    sums = data.groups.sums(flat * data.weights[:, None])
    return sums[data.groups.codes].T.astype(values.dtype).reshape(values.shape)


def _mean(values, rows):
    """Weighted means over the rows of a group, at each of them."""
    mass = rows.data.mass[rows.data.groups.codes]
    return (_added_up(values, rows) / mass).astype(values.dtype)
