"""`python -m misure_onnx.cli`."""

import sys

from misure_onnx.cli import main

sys.exit(main())
