"""``python -m s3copy_beam`` is the command."""

from __future__ import annotations

import sys

from s3copy_beam.cli import main

if __name__ == "__main__":
    sys.exit(main())
