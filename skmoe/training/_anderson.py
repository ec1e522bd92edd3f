"""Anderson acceleration of EM, seen as a map of responsibilities.

Any gate and any expert can be accelerated so: what is extrapolated is not parameters,
which a tree has none of, but the responsibilities that the parts are fitted to.
"""

from collections import deque

import numpy as np

# Of the least-squares problem, relative: keeps nearly parallel steps from cancelling.
_RIDGE = 1e-10
# Longest step away from a saddle, in steps of EM.
_MAX_STRETCH = 64.0


class Anderson:
    """Extrapolate a fixed-point iteration r -> G(r) from its last few steps.

    Type-II mixing (Walker & Ni 2011): with residuals F = G(r) - r, the next point is
    G(r) - sum_j gamma_j dG_j, where gamma minimises ||F - sum_j gamma_j dF_j||.

    That finds fixed points of any kind, saddles too. So where residuals grow, EM is
    leaving one, and its step is stretched instead (over-relaxation, Salakhutdinov &
    Roweis 2003), twice as far each time.

    Parameters
    ----------
    weights : ndarray of shape (n_samples,)
        Metric of the rows.
    memory : int
        Number of steps remembered.
    """

    def __init__(self, weights, memory=6):
        self.metric = np.sqrt(weights)[:, None]
        self.images = deque(maxlen=memory + 1)
        self.residuals = deque(maxlen=memory + 1)
        self.forget()

    def forget(self):
        """Begin again, after a step that did not help."""
        self.images.clear()
        self.residuals.clear()
        self.stretch = 1.0

    def propose(self, point, image):
        """The next point, given the last and what EM made of it.

        Returns
        -------
        responsibilities : ndarray of shape (n_samples, n_experts)
        plain : bool
            Whether they are those of EM itself.
        """
        residual = ((image - point) * self.metric).ravel()
        leaving = bool(self.residuals) and (
            np.linalg.norm(residual) > np.linalg.norm(self.residuals[-1])
        )
        if leaving:
            stretch = min(2.0 * self.stretch, _MAX_STRETCH)
            self.forget()
            self.stretch = stretch
        self.images.append(image)
        self.residuals.append(residual)
        if leaving:
            return _on_simplex(image + (stretch - 1.0) * (image - point)), False
        if len(self.images) == 1:
            return image, True
        return _on_simplex(self._mix()), False

    def _mix(self):
        residual = self.residuals[-1]
        steps = np.diff(np.stack(self.residuals), axis=0)
        scale = np.linalg.norm(steps, axis=1)
        scale[scale == 0] = 1.0
        steps /= scale[:, None]
        gram = steps @ steps.T + _RIDGE * np.eye(len(steps))
        gamma = np.linalg.solve(gram, steps @ residual) / scale
        changes = np.diff(np.stack(self.images), axis=0)
        return self.images[-1] - np.tensordot(gamma, changes, (0, 0))


def _on_simplex(mixed):
    """Extrapolation keeps the sums of the rows, but not the signs."""
    np.maximum(mixed, 0.0, out=mixed)
    return mixed / mixed.sum(axis=1, keepdims=True)
