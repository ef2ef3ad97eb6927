"""The documentation site: `make docs` builds it from the pages of this folder, with warnings as errors."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from misure_onnx import __version__  # noqa: E402 - the checkout, not an installed copy

project = "misure_onnx"
author = "The misure_onnx developers"
project_copyright = author
version = release = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "docs.building.docstrings",
    "docs.building.mathml",
    "docs.building.repository_links",
]
exclude_patterns = ["building", "_static", "pictures"]
nitpicky = True
nitpick_ignore_regex = [
    # Other libraries' types: their documentation lies on the network, which a build does not ask.
    ("py:(class|obj)", r"(numpy|np|npt|pathlib|collections|typing|types|onnx|onnxruntime)\..*"),
    # Names of array types (misure_onnx.types) are data to Sphinx, not classes.
    ("py:class", r"(\w+Array|.*\.(Truth|TruthLike|ImageLike|VolumeLike|Item|Result))"),
]

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 900
nb_merge_streams = True

default_role = "code"
smartquotes = False  # two hyphens begin an option
maximum_signature_line_length = 88
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "pydata_sphinx_theme"
html_math_renderer = "mathml"
html_title = "misure_onnx"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "misure_onnx"},
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
}
