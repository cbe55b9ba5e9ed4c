"""Copies a bucket; every setting is a pipeline option.

    python pipelines/copy_bucket.py --source s3://a/path --destination s3://b --runner FlinkRunner ...

The options are those of the command `s3copy --help`, by their long names, and Beam's.
"""

import sys

from s3copy_beam.command.launcher import launch

if __name__ == "__main__":
    sys.exit(launch(sys.argv[1:]))
