"""Our settings as options of a Beam pipeline, for launchers and templates. Not for the library, nor for the command.

All option classes of a process share one parser: importing this module adds ours to it. So only a launcher does.
"""

from __future__ import annotations

from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions

from s3copy_beam.command.parser import ENDS
from s3copy_beam.command.table import OPTIONS, Option, Takes

SOURCE = Option(("--source",), "s3://BUCKET[/PATH]", Takes.ONE, "URL")
DESTINATION = Option(("--destination",), "s3://BUCKET[/PATH]", Takes.ONE, "URL")
SETTINGS: tuple[Option, ...] = (SOURCE, DESTINATION, *(
    option for option in OPTIONS if not option.literal and option.dest not in ENDS))
"""All but literal keys, which nobody may see in a job."""


class CopyBucketOptions(PipelineOptions):
    """Settings of a copy, as text. Their names among a pipeline's options begin with ``s3copy_``: Beam has others."""

    @classmethod
    def _add_argparse_args(cls, parser: Any) -> None:
        for option in SETTINGS:
            parser.add_argument(option.long, dest=f"s3copy_{option.dest}", help=option.help, **_how(option))


def _how(option: Option) -> dict[str, Any]:
    if option.takes is Takes.NOTHING:
        return {"nargs": "?", "const": "true"}
    if option.takes is Takes.MAYBE:
        return {"nargs": "?", "const": option.choices[0]}
    if option.takes in (Takes.MANY, Takes.REPEATED):
        return {"action": "append", "metavar": option.metavar}
    return {"metavar": option.metavar}
