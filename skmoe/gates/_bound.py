"""A gate and the rows that it is fitted to, again and again."""

from copy import deepcopy

from skmoe.gates._ask import joint_log_proba
from skmoe.gates._learn import fit_gate


class BoundGate:
    """A gate and the rows that it is fitted to, again and again.

    Training binds a gate to its rows once. A gate whose ``bind(X, weights)`` returns a
    subclass can check and prepare X there.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Rows, as the gate takes them.
    weights : ndarray of shape (n_samples,)
        Of the rows.

    See Also
    --------
    GateMixin : What a gate of your own begins with.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.gates import BoundGate, ConstantGate
    >>> bound = BoundGate(np.zeros((2, 1)), np.array([1.0, 3.0]))
    >>> gate = bound.fit(ConstantGate(), np.eye(2))
    >>> np.exp(bound.joint_log_proba(gate)[0]).round(2)
    array([0.25, 0.75])
    """

    def __init__(self, X, weights):
        self.X = X
        self.weights = weights

    def subset(self, X, rows):
        """Bind the gate to some of the rows.

        Parameters
        ----------
        X : array-like of shape (n_subset, n_features)
            These rows.
        rows : ndarray of int, of shape (n_subset,)
            Their numbers.

        Returns
        -------
        bound : BoundGate
            The same for these rows.
        """
        return type(self)(X, self.weights[rows])

    def fit(self, gate, responsibilities):
        """Fit a copy of a gate, which starts from the gate's state.

        Parameters
        ----------
        gate : gate
            Left as it is.
        responsibilities : {ndarray, sparse array} of shape (n_samples, n_experts)
            Each expert's share of a row.

        Returns
        -------
        gate : gate
            The fitted copy.
        """
        return fit_gate(deepcopy(gate), self.X, responsibilities, self.weights)

    def joint_log_proba(self, gate):
        """Log of what the E-step multiplies the experts' densities by, for these rows.

        Parameters
        ----------
        gate : gate
            Fitted.

        Returns
        -------
        joint_log_proba : ndarray of shape (n_samples, n_experts)
            What :func:`joint_log_proba` gives.
        """
        return joint_log_proba(gate, self.X)


def bind_gate(gate, X, weights):
    """Bind a gate to rows that it will be fitted to again and again.

    Parameters
    ----------
    gate : gate
        Any gate, or a pipeline that ends in one.
    X : array-like of shape (n_samples, n_features)
        Rows, as the gate takes them.
    weights : ndarray of shape (n_samples,)
        Of the rows.

    Returns
    -------
    bound : BoundGate
        Or what the gate's own ``bind`` offers in its place.

    See Also
    --------
    fit_gate : A single fit.

    Examples
    --------
    >>> import numpy as np
    >>> from skmoe.gates import ConstantGate, bind_gate
    >>> bound = bind_gate(ConstantGate(), np.zeros((2, 1)), np.ones(2))
    >>> bound.fit(ConstantGate(), np.eye(2)).prior_
    array([0.5, 0.5])
    """
    return getattr(gate, "bind", BoundGate)(X, weights)
