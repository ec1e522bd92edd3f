"""Pages of classes show what the package defines, not what scikit-learn's bases add."""


def skip_foreign(app, what, name, member, skip, options):
    """Tell autodoc to skip a method that another package defines and documents."""
    module = getattr(member, "__module__", None) or "skmoe"
    return True if module.split(".")[0] != "skmoe" else None


def setup(app):
    app.connect("autodoc-skip-member", skip_foreign)
    return {"parallel_read_safe": True}
