"""The pipeline: a bucket copied, as one PTransform.

    key ranges                     a few elements; spread over the workers on a cluster
      -> list and compare          source and destination together, merged page by page; up to date: only a count
      |-- small objects, in batches of some hundreds ---> CopyObject, answer checked ------------------> totals
      |-- multipart objects ----> expand into parts ----> copy each part, check it
                                    |-- all parts of the object came through here: assemble, check ----> totals
                                    |-- giants, spread over workers: group by file key -> assemble ----> totals

With ``--staged`` the parts go from the source to temp files (step 1), to part files (step 2), and from there,
assembled, to the object (step 3).
"""

from __future__ import annotations

import apache_beam as beam

from s3copy_beam.options import CopyOptions
from s3copy_beam.transforms.dry import OnlySay
from s3copy_beam.transforms.ledger import LINES, TOTALS
from s3copy_beam.transforms.listing import MULTIPART, RANGES, SMALL, KeyRanges, ListAndCompare
from s3copy_beam.transforms.multipart import COPIED, PARTS, SPREAD, Assemble, CopyParts, ExpandIntoParts
from s3copy_beam.transforms.report import WriteReport
from s3copy_beam.transforms.small import CopySmallObjects
from s3copy_beam.transforms.staged import CopyByPartFiles
from s3copy_beam.transforms.summary import Summarise, totals_of
from s3copy_beam.transforms.unfinished import EndUploadsBelow, EndUploadsOf

__all__ = ["CopyBucket", "totals_of"]


class CopyBucket(beam.PTransform):
    """Copies what differs between a source and a destination, and checks it.

    Takes the pipeline itself; gives one element, the summary as a JSON text (the fields of `model.Totals`). Failures
    of objects do not fail the pipeline: they are in the summary and the report. `totals_of(result)` gives the summary
    after the run.

    Args:
        options: what to copy, and how.
    """

    def __init__(self, options: CopyOptions) -> None:
        super().__init__()
        self.options = options

    def expand(self, pbegin: beam.pvalue.PBegin) -> beam.PCollection[str]:
        options = self.options
        ranges = pbegin | KeyRanges(options)
        found = ranges[RANGES] | ListAndCompare(options)
        if options.abort_uploads:
            steps = [pbegin | EndUploadsBelow(options), found[MULTIPART] | EndUploadsOf(options)]
        elif options.dry_run:
            steps = [found[SMALL] | "Small" >> OnlySay(options), found[MULTIPART] | "InParts" >> OnlySay(options)]
        elif options.staged:
            steps = [found[SMALL] | CopySmallObjects(options), found[MULTIPART] | CopyByPartFiles(options)]
        else:
            small = found[SMALL] | CopySmallObjects(options)
            opened = found[MULTIPART] | ExpandIntoParts(options)
            whole = opened[PARTS] | "CopyParts" >> CopyParts(options)
            giants = opened[SPREAD] | "CopySpreadParts" >> CopyParts(options, spread=True)
            assembled = giants[COPIED] | Assemble(options)
            steps = [small, opened, whole, giants, assembled]
        steps = [ranges, found, *steps]
        if options.report and not options.live:
            tuple(step[LINES] for step in steps) | WriteReport(options)
        return tuple(step[TOTALS] for step in steps) | Summarise()
