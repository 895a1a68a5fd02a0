"""Settings of the Sphinx pages; build them with `make docs`."""

import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]  # the packages, and the directives of from_source.py

_about = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = _about["name"]
release = version = _about["version"]
author = "the fortyhertz contributors"
copyright = f"{author}, MIT licence"

extensions = [
    "myst_nb",  # MyST pages, and notebooks that are scripts of jupytext
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",  # its files go into the built pages: equations need no network
    "sphinx.ext.viewcode",
    "sphinx_gallery.gen_gallery",
    "from_source",
    "scrubbed_figure",
]
exclude_patterns = ["_build", "examples", "images", "*.py", "gallery/**/*.py", "gallery/**/*.ipynb"]
default_role = "code"  # docstrings write names in single backticks

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3

nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "force"  # always: what a page shows is what its code gives
nb_execution_raise_on_error = True
nb_execution_timeout = 300  # seconds a cell; a whole notebook takes less than a minute
nb_merge_streams = True
nb_output_stderr = "remove"  # notes of libraries to programmers, with paths of this machine
nb_code_prompt_show, nb_code_prompt_hide = "A solution", "Hide the solution"  # nothing else is folded

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_google_docstring = False

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": ("gallery_figures.collect",),
    "reset_modules": (),
    "download_all_examples": False,
    "show_signature": False,
    "min_reported_time": 1,
}

html_theme = "furo"
html_title = "fortyhertz"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
