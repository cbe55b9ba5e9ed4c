"""XML of stores, read with suspicion: no document types, hence no entities; the root must be the expected one."""

from __future__ import annotations

from xml.etree import ElementTree

from s3copy_beam.s3.errors import BadAnswer, S3Error


class _Plain(ElementTree.TreeBuilder):
    """A builder that refuses document types: all of XML's known bombs need one to declare entities."""

    def doctype(self, name: str, pubid: str, system: str) -> None:
        raise BadAnswer("the answer's XML declares a document type")


def parse(body: bytes) -> ElementTree.Element:
    """The root element; tags without namespaces. White space before the document is allowed (Complete sends it).

    Raises:
        BadAnswer: not a whole XML document, or one with a document type.
    """
    parser = ElementTree.XMLParser(target=_Plain())
    try:
        parser.feed(body.lstrip())
        root: ElementTree.Element = parser.close()
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        if not body.strip():
            raise BadAnswer("the answer has no body") from None
        raise BadAnswer(f"the answer is not whole XML ({error})") from None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def text(element: ElementTree.Element, tag: str, default: str = "") -> str:
    """Text of the child of that name, or the default where there is none."""
    return element.findtext(tag) or default


def whole(value: str, what: str) -> int:
    """A number that counts something: digits only.

    Raises:
        BadAnswer: it is not one.
    """
    if not (value.isascii() and value.isdigit() and len(value) < 20):
        raise BadAnswer(f"{what} is no number: {value[:40]!r}")
    return int(value)


def rooted(body: bytes, *roots: str) -> ElementTree.Element:
    """The root element of an answer, which must have one of these names.

    Raises:
        S3Error: the answer is an `<Error>`, in a 200 too.
        BadAnswer: it is anything else: cut, foreign, of another operation.
    """
    root = parse(body)
    if root.tag == "Error":
        raise error_of(root, "", 200, "")
    if root.tag not in roots:
        raise BadAnswer(f"the answer is a <{root.tag[:40]}>, not a <{roots[0]}>")
    return root


def error_of(root: ElementTree.Element, operation: str, status: int, request_id: str) -> S3Error:
    """The error that an `<Error>` element tells of."""
    code = text(root, "Code")
    if not code:
        return BadAnswer("an error without a code", status, operation, request_id)
    return S3Error(code, text(root, "Message"), status, operation, request_id or text(root, "RequestId"),
                   region=text(root, "Region"))
