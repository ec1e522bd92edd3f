"""The mixture within a pipeline or a search, asked in the words of the whole."""

from sklearn.utils.validation import check_is_fitted

from skmoe.inspection._lines import names_out, numbered


class FittedMixture:
    """A fitted mixture, and the steps that come before it.

    Parameters
    ----------
    model : MixtureOfExpertsRegressor or MixtureOfExpertsClassifier
    before : list of transformers
        What rows go through, one after the other, until they reach the mixture.
    """

    def __init__(self, model, before=()):
        check_is_fitted(model)
        self.model = model
        self.before = list(before)

    @classmethod
    def of(cls, estimator):
        """The mixture that an estimator is, or has within.

        Parameters
        ----------
        estimator : mixture, Pipeline that ends in one, or search over these

        Raises
        ------
        TypeError
            If there is no mixture.
        """
        before = []
        while not hasattr(estimator, "predict_gate_proba"):
            if hasattr(estimator, "steps"):
                check_is_fitted(estimator)
                before += [estimator[:-1]] if len(estimator.steps) > 1 else []
                estimator = estimator.steps[-1][1]
            elif hasattr(estimator, "best_estimator_"):
                estimator = estimator.best_estimator_
            else:
                raise TypeError(without_mixture(estimator))
        return cls(estimator, before)

    @property
    def names(self):
        """Names of the experts."""
        return self.model._expert_names

    def rows(self, X):
        """Rows of the whole as rows of the mixture.

        Raises
        ------
        ValueError
            If the steps before the mixture do not take them.
        """
        for step in self.before:
            try:
                X = step.transform(X)
            except (ValueError, TypeError, KeyError) as error:
                raise ValueError(
                    f"X: the steps before the mixture do not take it ({error}); pass the "
                    "rows as they were passed to the whole pipeline's fit, not "
                    "transformed, with all of its columns."
                ) from error
        return X

    def feature_names(self, X):
        """Names of the columns of X, the whole's input."""
        if hasattr(X, "columns"):
            return [str(name) for name in X.columns]
        names = self._known_names
        return numbered(X.shape[1]) if names is None else names

    def check_names(self, feature_names):
        """Names of the whole's input, as given or, if None, as they were fitted.

        Returns
        -------
        names : list of str or None
            None where they are not given, and the first step tells nothing.

        Raises
        ------
        ValueError
            If there are too few or too many, or the steps before the mixture, which were
            fitted to a dataframe, know others.
        """
        n_features, known = (
            getattr(self._first, "n_features_in_", None),
            self._known_names,
        )
        if feature_names is None:
            return numbered(n_features) if n_features and not known else known
        names = [str(name) for name in feature_names]
        if n_features not in (None, len(names)):
            raise ValueError(
                f"feature_names has {len(names)} names, but the model was fitted to "
                f"{n_features} features; pass one name for each."
            )
        if self.before and known not in (None, names):
            raise ValueError(
                "feature_names: the pipeline was fitted to a dataframe and names its "
                "columns by that; leave feature_names out."
            )
        return names

    def names_within(self, names):
        """Names of the columns that the mixture is given, from those of the whole's."""
        for step in self.before:
            names = names_out(step, names)
        if names is None:  # a step does not tell
            names = getattr(self.model, "feature_names_in_", None)
        return numbered(self.model.n_features_in_) if names is None else list(names)

    @property
    def _first(self):
        return self.before[0] if self.before else self.model

    @property
    def _known_names(self):
        names = getattr(self._first, "feature_names_in_", None)
        return None if names is None else [str(name) for name in names]


def without_mixture(estimator):
    kind = type(estimator).__name__
    if hasattr(estimator, "best_score_") or hasattr(estimator, "param_grid"):
        return f"estimator: {kind} has no best_estimator_; fit it, with refit=True."
    if hasattr(estimator, "regressor"):
        return (
            f"estimator: the mixture within {kind} knows the transformed target only; "
            "pass regressor_ instead, and the transformed y."
        )
    return (
        f"estimator: {kind} is no mixture of experts, nor a pipeline that ends in one; "
        "pass a fitted MixtureOfExpertsRegressor or MixtureOfExpertsClassifier, or a "
        "pipeline or search around it."
    )
