"""Many short runs of a linear mixture of experts at once.

All candidates share the products of columns z_a z_b, z = (1, features, target), so one
matrix product of their responsibilities with these gives every weighted moment that a
step needs: the experts' normal equations, and the means and covariances or the Hessian
of the gate. Nothing loops over candidates or experts.

Arrays have a leading axis of candidates B, then experts K.
"""

import numpy as np

from skmoe._grams import row_slices
from skmoe._routes import largest
from skmoe.training._draws import draw_by_weight

# Regularisation, in standard units: a short run must not fit a few rows exactly.
_RIDGE = 1e-3
_GATE_RIDGE = 1e-2
# Longest Newton step of a gate coefficient; there is no line search here.
_MAX_GATE_STEP = 8.0
# Width of the bell around a seed, in units of the mean squared distance to a seed.
_BELL = 0.25
_TINY = 1e-9
# Above so many responsibilities, half the precision is half the time.
_SINGLE_PRECISION_CELLS = 150_000
# Responsibilities that are held at a time where only the largest are asked for.
_PAIRS_CELLS = 1_000_000


class ShortRuns:
    """Candidates for a start: linear experts under a softmax gate.

    Parameters
    ----------
    rows : RowSummary
    n_experts, n_candidates : int
    random_state : RandomState
    """

    def __init__(self, rows, n_experts, n_candidates, random_state):
        self.rows = rows
        self.n_experts = n_experts
        # Sums and small matrices are in double precision in any case.
        cells = n_candidates * n_experts * len(rows.weights)
        self.dtype = np.float64 if cells < _SINGLE_PRECISION_CELLS else np.float32
        self.columns = _columns(rows).astype(self.dtype)
        self.weights = rows.weights.astype(self.dtype)
        self.n_inputs = 1 + rows.features.shape[1]
        self.inputs = self.columns[:, : self.n_inputs]
        self.first, self.second = np.triu_indices(self.columns.shape[1])
        self.products = self.columns[:, self.first] * self.columns[:, self.second]
        self.resp = self._bells(n_candidates, random_state).astype(self.dtype)
        self._fit_planes(self._moments())

    def _bells(self, n_candidates, random_state):
        """Bells around k-means++ seeds among the features (B, K, n)."""
        features, weights = self.rows.features, self.rows.weights
        norms = np.einsum("ij,ij->i", features, features)
        uniforms = random_state.uniform(size=(self.n_experts, n_candidates))
        distances = np.empty((n_candidates, self.n_experts, len(weights)))
        mass = np.tile(weights, (n_candidates, 1))
        for k in range(self.n_experts):
            seeds = draw_by_weight(mass, self.rows.order, uniforms[k])
            inner = features[seeds] @ features.T
            distances[:, k] = norms - 2 * inner + norms[seeds, None]
            nearest = distances[:, : k + 1].min(axis=1)
            nearest[nearest < _TINY] = 0.0
            # Fewer distinct rows than experts: any row will do.
            nearest[~nearest.any(axis=1)] = 1.0
            mass = nearest * weights
        spread = mass.sum(axis=1) / weights.sum()
        return np.exp(-0.5 * distances / (_BELL * spread[:, None, None]))

    # -- steps that all methods share -----------------------------------------------

    def _unfold(self, flat):
        """Symmetric matrices from their upper triangles."""
        n_columns = self.columns.shape[1]
        full = np.empty((*flat.shape[:-1], n_columns, n_columns))
        full[..., self.first, self.second] = flat
        full[..., self.second, self.first] = flat
        return full

    def _weighted_products(self, coefficients):
        """sum_i w_i c_i z_i z_i' for each row of ``coefficients`` (..., n)."""
        flat = (coefficients * self.weights).reshape(-1, len(self.products))
        sums = (flat @ self.products).astype(np.float64)
        return self._unfold(sums.reshape(*coefficients.shape[:-1], -1))

    def _moments(self):
        return self._weighted_products(self.resp)

    def _fit_planes(self, moments):
        """Least squares of the target on the features."""
        p = self.n_inputs
        self.mass = np.maximum(moments[..., 0, 0], _TINY)
        self.gram = moments[..., :p, :p] / self.mass[..., None, None]
        right = moments[..., :p, p:] / self.mass[..., None, None]
        system = self.gram + _RIDGE * np.eye(p)
        self.planes = np.linalg.solve(system, right)
        return right

    def _fit_experts(self):
        """Planes and their residual variances."""
        moments = self._moments()
        right = self._fit_planes(moments)
        p = self.n_inputs
        squares = np.einsum("bkmm->bkm", moments[..., p:, p:]) / self.mass[..., None]
        explained = np.einsum("bkpm,bkpm->bkm", self.planes, right)
        fitted = np.einsum("bkpm,bkpm->bkm", self.planes, self.gram @ self.planes)
        self.variances = np.maximum(
            squares - 2 * explained + fitted, self.rows.least_variance
        )

    def _squared_residuals(self, columns):
        """Squared residuals (B, K, m, n)."""
        planes = np.swapaxes(self.planes, 2, 3)
        residuals = _products_with(planes, columns[:, : self.n_inputs])
        residuals -= columns[:, self.n_inputs :].T
        residuals *= residuals
        return residuals

    def _log_density(self, columns):
        """log f_k(y | x) up to a constant (B, K, n)."""
        scaled = self._squared_residuals(columns)
        scaled *= (-0.5 / self.variances[..., None]).astype(columns.dtype)
        log_scale = 0.5 * np.log(self.variances).sum(axis=2).astype(columns.dtype)
        density = _sum_of_targets(scaled)
        density -= log_scale[..., None]
        return density

    def _expect(self):
        """E-step: responsibilities, and each candidate's log-likelihood."""
        log_gate, joint = self._log_terms(self.columns, self.rows)
        joint += log_gate
        log_joint, self.resp = _normalise(joint)
        log_gate, self.gate_proba = _normalise(log_gate)
        self.scores = (log_joint - log_gate) @ self._unit_weights

    def _log_terms(self, columns, rows):
        """Logits of the gate, and log f_k, for columns of ``rows``; (B, K, n) both."""
        log_gate = _products_with(self.gates, columns[:, : self.n_inputs])
        return log_gate, self._log_density(columns)

    @property
    def _unit_weights(self):
        """What the likelihood of each row counts."""
        return self.weights

    # -- k-plane --------------------------------------------------------------------

    def alternate(self, n_steps):
        """Assign each row to the plane next to it, and refit, until nothing moves."""
        labels = None
        for _ in range(n_steps):
            nearest = _smallest(self._distances())
            if labels is not None and np.array_equal(nearest, labels):
                break
            labels = nearest
            experts = np.arange(self.n_experts)[:, None]
            self.resp = (labels[:, None, :] == experts).astype(self.dtype)
            self._fit_planes(self._moments())

    def _distances(self):
        """Squared distances of the rows to all planes (B, K, n)."""
        return _sum_of_targets(self._squared_residuals(self.columns))

    # -- EM with a gate in closed form ----------------------------------------------

    def gaussian_em(self, n_steps):
        """EM whose gate is one Gaussian of common covariance per expert: a softmax."""
        for _ in range(n_steps):
            self._fit_experts()
            self._fit_gaussian_gate()
            self._expect()

    def _fit_gaussian_gate(self):
        share = self.mass / self.mass.sum(axis=1, keepdims=True)
        means = self.gram[..., 0, 1:]
        second = np.einsum("bk,bkpq->bpq", share, self.gram[..., 1:, 1:])
        within = second - np.einsum("bk,bkp,bkq->bpq", share, means, means)
        within += _RIDGE * np.eye(self.n_inputs - 1)
        slopes = np.swapaxes(np.linalg.solve(within, np.swapaxes(means, 1, 2)), 1, 2)
        offsets = np.log(share) - 0.5 * np.einsum("bkp,bkp->bk", means, slopes)
        self.gates = np.concatenate([offsets[..., None], slopes], axis=2)

    # -- recombination --------------------------------------------------------------

    def recombine(self, n_new, n_kept, random_state):
        """Build candidates from the experts of all, and keep the best of the old.

        One candidate has found some regimes, another the rest. From a random half of all
        experts, those are chosen one by one that explain (x, y) best together.
        """
        log_joint = self._log_located_density()
        chosen = []
        for drawn in random_state.uniform(size=(n_new, len(log_joint))).argsort(axis=1):
            half = np.sort(drawn[: max(len(drawn) // 2, self.n_experts)])
            chosen.append(half[_cover(log_joint[half], self.weights, self.n_experts)])
        new = _normalise(log_joint[np.array(chosen)])[1]
        best = np.argsort(-self.scores, kind="stable")[:n_kept]
        self.resp = np.concatenate([new, self.resp[best]])

    def _log_located_density(self):
        """log N(x; m_k, S_k) + log f_k(y | x) + log share, of all experts (B K, n).

        A quadratic form in z, so one product with the products of columns.
        """
        p = self.n_inputs
        means = self.gram[..., 0, 1:]
        covariance = self.gram[..., 1:, 1:] - means[..., :, None] * means[..., None, :]
        precision = np.linalg.inv(covariance + 10 * _RIDGE * np.eye(p - 1))
        pull = np.einsum("bkpq,bkq->bkp", precision, means)
        log_det = np.linalg.slogdet(precision)[1]
        constant = 0.5 * log_det + np.log(self.mass)
        constant -= 0.5 * np.log(self.variances).sum(axis=2)
        constant -= 0.5 * np.einsum("bkp,bkp->bk", pull, means)
        # The residual t - b'x is u'z with u = (-b, e_t).
        n_targets = self.variances.shape[2]
        unit = np.broadcast_to(np.eye(n_targets), (*self.mass.shape, *[n_targets] * 2))
        residual = np.concatenate([-self.planes, unit], axis=2)
        form = np.einsum("bkam,bkcm,bkm->bkac", residual, residual, 1 / self.variances)
        form = -0.5 * form
        form[..., 1:p, 1:p] -= 0.5 * precision
        form[..., 0, 1:p] += 0.5 * pull
        form[..., 1:p, 0] += 0.5 * pull
        form[..., 0, 0] += constant
        flat = form[..., self.first, self.second]
        flat = flat * np.where(self.first == self.second, 1.0, 2.0)
        return flat.reshape(-1, flat.shape[-1]).astype(self.dtype) @ self.products.T

    # -- EM with the softmax gate itself --------------------------------------------

    def newton_em(self, n_steps):
        """EM with one Newton step of the softmax gate for each of the experts."""
        for _ in range(n_steps):
            self._fit_experts()
            self._step_gate()
            self._expect()

    def _step_gate(self):
        n_candidates, p = len(self.gates), self.n_inputs
        free = self.gates[:, :-1] - self.gates[:, -1:]
        excess = (self.gate_proba - self.resp)[:, :-1] * self.weights
        gradient = excess @ self.inputs + _GATE_RIDGE * free
        first, second = np.triu_indices(self.n_experts - 1)
        curvature = -self.gate_proba[:, first] * self.gate_proba[:, second]
        curvature[:, first == second] += self.gate_proba[:, :-1]
        blocks = self._weighted_products(curvature)[..., :p, :p].swapaxes(0, 1)
        hessian = np.empty((n_candidates, *free.shape[1:], *free.shape[1:]))
        hessian[:, first, :, second, :] = blocks
        hessian[:, second, :, first, :] = blocks
        size = free[0].size
        hessian = hessian.reshape(n_candidates, size, size)
        hessian += _GATE_RIDGE * np.eye(size)
        step = np.linalg.solve(hessian, gradient.reshape(n_candidates, size, 1))
        length = np.abs(step).max(axis=1, keepdims=True)
        step *= np.minimum(1.0, _MAX_GATE_STEP / np.maximum(length, _TINY))
        self.gates = np.zeros_like(self.gates)
        self.gates[:, :-1] = free - step.reshape(free.shape)

    # -- outcome --------------------------------------------------------------------

    def keep_best(self, n_kept):
        """Drop all but the likeliest candidates."""
        best = np.argsort(-self.scores, kind="stable")[:n_kept]
        self.scores, self.resp = self.scores[best], self.resp[best]
        self.gates, self.gate_proba = self.gates[best], self.gate_proba[best]
        self.planes, self.variances = self.planes[best], self.variances[best]

    def best_responsibilities(self, rows):
        """Responsibilities of the likeliest candidate's experts for all ``rows``."""
        self.keep_best(1)
        return self._responsibilities(_columns(rows), rows)

    def _responsibilities(self, columns, rows):
        log_gate, density = self._log_terms(columns, rows)
        return _normalise(log_gate + density)[1][0].T

    def best_pairs(self, rows, n_slots):
        """The likeliest candidate's largest responsibilities for ``rows``.

        A few rows at a time, as there may be many experts.

        Returns
        -------
        experts : ndarray of int, of shape (n_samples, n_slots)
        shares : ndarray of shape (n_samples, n_slots)
        """
        self.keep_best(1)
        columns = _columns(rows)
        parts = row_slices(len(columns), _PAIRS_CELLS // self.n_experts + 1)
        chosen = (
            largest(self._responsibilities(columns[p], None), n_slots) for p in parts
        )
        experts, shares = map(np.concatenate, zip(*chosen, strict=True))
        return experts, shares / shares.sum(axis=1, keepdims=True)


def _columns(rows):
    ones = np.ones((len(rows.weights), 1))
    return np.concatenate([ones, rows.features, rows.target], axis=1)


def _products_with(coefficients, columns):
    """Of coefficients (..., p) and columns (n, p), in one large matrix product."""
    flat = coefficients.reshape(-1, coefficients.shape[-1]).astype(columns.dtype)
    return (flat @ columns.T).reshape(*coefficients.shape[:-1], len(columns))


def _sum_of_targets(values):
    """Sums over the third axis, which mostly is of length one."""
    return values[:, :, 0] if values.shape[2] == 1 else values.sum(axis=2)


def _smallest(values):
    """The same as ``values.argmin(axis=1)``, whose short loops are slow."""
    least, labels = values[:, 0].copy(), np.zeros(values[:, 0].shape, dtype=np.int32)
    for k in range(1, values.shape[1]):
        is_less = values[:, k] < least
        np.copyto(labels, k, where=is_less)
        np.copyto(least, values[:, k], where=is_less)
    return labels


def _normalise(values):
    """Log-sum-exp over experts (B, n), and the softmax (B, K, n)."""
    peak = values.max(axis=1, keepdims=True)
    proba = values - peak
    np.exp(proba, out=proba)
    total = proba.sum(axis=1, keepdims=True)
    proba /= total
    return (peak + np.log(total))[:, 0], proba


def _cover(values, weights, n_chosen):
    """Greedily choose rows of ``values`` whose maximum is largest over all data."""
    chosen, covered = [], np.full(values.shape[1], -np.inf, dtype=values.dtype)
    for _ in range(n_chosen):
        gain = np.maximum(values, covered) @ weights
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
        covered = np.maximum(covered, values[chosen[-1]])
    return chosen
