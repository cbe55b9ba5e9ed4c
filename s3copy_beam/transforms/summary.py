"""The end of the run: totals combined into one summary, which comes back as a committed metric."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics, MetricsFilter

from s3copy_beam.model import Totals
from s3copy_beam.transforms.elements import PackedCoder
from s3copy_beam.transforms.ledger import NAMESPACE

SUMMARY = "summary"


class Summarise(beam.PTransform):
    """Totals of all bundles to the run's summary, one JSON text; also in the string-set metric ``s3copy/summary``."""

    def expand(self, totals: tuple[beam.PCollection[Totals], ...]) -> beam.PCollection[str]:
        return (
            totals
            | "AllTotals" >> beam.Flatten()
            | "Add" >> beam.CombineGlobally(AddTotals())
            | "HandBack" >> beam.ParDo(HandBack()).with_output_types(str)
        )


@beam.typehints.with_input_types(Totals)
@beam.typehints.with_output_types(Totals)
class AddTotals(beam.CombineFn):
    """Adds totals."""

    def get_accumulator_coder(self) -> PackedCoder[Totals]:
        return PackedCoder(Totals)

    def create_accumulator(self) -> Totals:
        return Totals()

    def add_input(self, accumulator: Totals, element: Totals) -> Totals:
        return accumulator.add(element)

    def merge_accumulators(self, accumulators: Iterable[Totals]) -> Totals:
        merged = Totals()
        for one in accumulators:
            merged.add(one)
        return merged

    def extract_output(self, accumulator: Totals) -> Totals:
        return accumulator


class HandBack(beam.DoFn):
    """Puts the summary where every runner gives it back once it is committed."""

    def process(self, element: Totals) -> Iterable[str]:
        text = json.dumps(asdict(element))
        Metrics.string_set(NAMESPACE, SUMMARY).add(text)
        yield text


def totals_of(result: Any) -> Totals | None:
    """The totals that a finished pipeline handed back; None where it did not report."""
    found = result.metrics().query(MetricsFilter().with_namespace(NAMESPACE).with_name(SUMMARY))
    for metric in found.get("string_sets", ()):
        for text in metric.committed or metric.attempted or ():
            return Totals(**json.loads(text))
    return None
