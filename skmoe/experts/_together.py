"""What pools share whose experts are fitted together."""

from copy import copy

import numpy as np

from skmoe._sklearn_compat import safe_indexing


class TogetherMixin:
    """Held-out predictions of a pool that fits all its experts in one call."""

    def predict_held_out(self, X, y, weights, folds, among=None):
        """Predictions for each row by experts that were not fitted to it.

        As those of :meth:`EstimatorPool.predict_held_out`, in a fit for each fold.
        """
        among = range(self.n_experts) if among is None else among
        prediction = None
        for train, test in folds:
            pool = copy(self).fit(safe_indexing(X, train), y[train], weights[train])
            answer = pool.predict(safe_indexing(X, test))[:, list(among)]
            if prediction is None:
                prediction = np.empty((len(y), *answer.shape[1:]))
            prediction[test] = answer
        return prediction
