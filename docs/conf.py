"""The documentation: pages in MyST, docstrings by numpydoc, a gallery of examples."""

import os
import sys
from importlib.resources import files
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

import skmoe

project = "skmoe"
author = "the skmoe developers"
copyright = f"2026, {author}"
version = release = skmoe.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "matplotlib.sphinxext.figmpl_directive",
    "matplotlib.sphinxext.plot_directive",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    "sphinx_copybutton",
    "sphinx_design",
    "combinations_table",
    "page_figures",
    "public_members",
]
templates_path = ["_templates"]
exclude_patterns = ["_build"]
default_role = "literal"

# Pages
myst_enable_extensions = [
    "dollarmath",
    "amsmath",
    "colon_fence",
    "deflist",
    "attrs_inline",
]
myst_heading_anchors = 3
math_number_all = False
# MathJax, from a package of its files: pages need no other site to be read.
mathjax_path = "tex-svg.js"
math_eqref_format = "({number})"
copybutton_exclude = ".linenos, .gp, .go"

# Figures within pages
plot_working_directory = str(Path(__file__).parent / "data")
plot_include_source = True
plot_html_show_source_link = False
plot_html_show_formats = False
plot_formats = ["png"]
plot_srcset = ["2.0x"]
plot_pre_code = ""

# Docstrings
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
autosummary_generate = True
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

# Links to other projects need their inventories, which an offline build cannot fetch:
# they are there on Read the Docs, and with `make html ONLINE=1`.
OTHERS = {
    "python": "https://docs.python.org/3/",
    "numpy": "https://numpy.org/doc/stable/",
    "scipy": "https://docs.scipy.org/doc/scipy/",
    "sklearn": "https://scikit-learn.org/stable/",
    "pandas": "https://pandas.pydata.org/docs/",
    "matplotlib": "https://matplotlib.org/stable/",
    "joblib": "https://joblib.readthedocs.io/en/stable/",
}
online = os.environ.get("READTHEDOCS") or os.environ.get("ONLINE")
intersphinx_mapping = {name: (url, None) for name, url in OTHERS.items() if online}

# Every reference to the package itself must resolve.
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", rf"({'|'.join(OTHERS)}|dask|polars|rich)(\..*)?")]

# Gallery
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "backreferences_dir": "api/examples",
    "doc_module": ("skmoe",),
    "reference_url": {"skmoe": None},
    "reset_modules": ("matplotlib", "gallery_warnings.as_errors"),
    "ignore_pattern": r"^(?!plot_)",
    "minigallery_sort_order": "gallery_order.position",
    "image_srcset": ["2x"],
    "thumbnail_size": (600, 400),
    "parallel": 2,
    "download_all_examples": False,
    "remove_config_comments": True,
    "write_computation_times": False,
    "copyfile_regex": r"index\.rst",
}

# Looks
html_title = "skmoe"
html_theme = "pydata_sphinx_theme"
html_logo = "_static/logo.svg"
html_favicon = "_static/logo.svg"
html_static_path = ["_static", str(files("mathjax") / "static/mathjax/es5/tex-svg.js")]
html_css_files = ["skmoe.css"]
html_copy_source = False
html_show_sourcelink = False
# Pages that are no part of a section have no list of its pages; the gallery is one.
html_sidebars = {
    page: []
    for page in (
        "index",
        "install",
        "quickstart",
        "auto_examples/index",
        "api/index",
        "own_gate",
        "own_likelihood",
        "theory",
        "benchmarks",
        "design",
        "changelog",
    )
}
html_theme_options = {
    "logo": {"text": "skmoe", "alt_text": "skmoe, the front page"},
    "header_links_before_dropdown": 6,
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "show_prev_next": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": {
        "**": ["page-toc"],
        "index": [],
        "auto_examples/index": [],
    },
    "pygments_light_style": "tango",
    "pygments_dark_style": "github-dark",
}
