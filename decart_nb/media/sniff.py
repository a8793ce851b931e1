"""Detection of a file's media type from its first bytes."""

from __future__ import annotations

#: How many bytes tell a media type: a file's first box, which lists the brands that it is compatible with.
HEAD = 512


def sniff(head: bytes) -> str | None:
    """Detect a media type from a file's first bytes; ``None`` if it is unknown. The file may still be invalid.

    Args:
        head: at least the first 64 bytes, if there are that many; with :data:`HEAD`, more kinds of HEIF are told.
    """
    for signature, media_type in _SIGNATURES:
        if head.startswith(signature):
            return media_type
    if head[:4] == b"\x1aE\xdf\xa3":
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    if head[:2] == b"BM" and head[6:10] == bytes(4):  # two letters begin many a text too
        return "image/bmp"
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"AVI ": "video/x-msvideo"}.get(head[8:12])
    if head[:1] == b"G" and head[188:189] == head[376:377] == b"G":
        return "video/mp2t"
    if head[4:8] == b"ftyp":
        return _by_brands(head[8 : min(len(head), int.from_bytes(head[:4]))])
    return None


def _by_brands(box: bytes) -> str:
    """The media type of a file of ISO's family, by the brand that it is and those that it is compatible with."""
    major, *compatible = (box[at : at + 4] for at in range(0, len(box) - 3, 4))
    brands = [major, *compatible[1:]]  # between them is a version
    if major == b"qt  ":
        return "video/quicktime"
    if not _IMAGE_BRANDS.keys() & brands or major in _VIDEO_BRANDS:
        return "video/mp4"
    return next((_IMAGE_BRANDS[brand] for brand in brands if _IMAGE_BRANDS.get(brand)), "image/heif")


_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"OggS", "video/ogg"),
    (b"FLV\x01", "video/x-flv"),
    (b"\0\0\x01\xba", "video/mpeg"),
)
#: HEIF's structural brands do not say what is in it.
_IMAGE_BRANDS = {b"mif1": "", b"mif2": "", b"msf1": "", b"avif": "image/avif", b"avis": "image/avif"} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"), "image/heic"
)
_VIDEO_BRANDS = (b"isom", b"iso2", b"mp41", b"mp42", b"M4V ", b"avc1")
