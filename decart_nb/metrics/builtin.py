"""The built-in metrics, as data: each a filter of FFmpeg, the frames that it gets, and how it becomes one number.

The filters of a branch share one graph, and filters that several metrics need are in it once. A change of what a metric
computes is a new version of it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from .metric import Branch, FilterMetric
from .reducing import Count, Decibels, Last, LoggedMean, Mean, MostPerSecond, Reducer, Seconds

if TYPE_CHECKING:
    import av


def _scaled(side: int) -> tuple[str, str]:
    """The filter that makes the shorter side of a picture at most so long, and its codes those of full range."""
    width, height = f"if(gt(iw,ih),-2,min({side},iw))", f"if(gt(iw,ih),min({side},ih),-2)"
    return "scale", f"w='{width}':h='{height}':flags=area:out_range=full"


#: All frames, in full size.
EVERY = Branch()
#: All frames, in full size, with eight bits a sample: ``xpsnr`` misreads the colours of others in most widths.
EIGHT_BITS = Branch(prefix=(("format", "yuv444p|yuv422p|yuv420p|yuvj444p|yuvj422p|yuvj420p|gray"),))
#: Some frames, the middle two thirds of them in full size: a blurred edge, or one between blocks, is lost in a smaller
#: picture, and these two filters take more time than all others.
SAMPLED = Branch(is_sampled=True, prefix=(("crop", "w=2*iw/3:h=2*ih/3"),))
#: The luma of all frames, small: large changes are all that counts there. To scale the colours takes twice the time.
SMALL = Branch(prefix=(("extractplanes", "y"), _scaled(120), ("format", "gray")))
#: Some frames, small.
SMALL_SAMPLED = Branch(is_sampled=True, prefix=(_scaled(240), ("format", "yuv420p")))
#: Some frames, in 32 by 32 pixels, each with a colour of its own.
TINY = Branch(is_sampled=True, prefix=(("scale", "w=32:h=32:flags=area:out_range=full"), ("format", "yuv444p")))

_FULL_RANGE = 2  # FFmpeg's AVCOL_RANGE_JPEG
_SCENES, _SIGNAL = ("scdet", "threshold=10"), ("signalstats", "")


def _to_full_range(frame: av.VideoFrame) -> float:
    """What turns ``scdet``'s percent of all codes into levels of a range from 0 to 255."""
    return 2.56 if frame.color_range == _FULL_RANGE else 2.56 * 255 / 219


def _fingerprint() -> Reducer:
    from .fingerprint import Fingerprint  # which loads NumPy

    return Fingerprint()


def _frames_digest() -> Reducer:
    from .frames_digest import FramesDigest

    return FramesDigest()


#: What near-duplicates are told by.
FINGERPRINT = FilterMetric(
    name="fingerprint", about="perceptual hash", filter=("null", ""), branch=TINY, reduce=_fingerprint
)
#: What tells whether two videos show the same frames, however their files differ.
FRAMES_DIGEST = FilterMetric(
    name="frames_sha256", about="digest of all frames", filter=("null", ""), branch=EVERY, reduce=_frames_digest
)
#: What is kept of clips without being a metric that can be asked for, since the values are texts.
TEXTS = {metric.name: metric for metric in (FINGERPRINT, FRAMES_DIGEST)}

_BUILTIN = (
    FilterMetric(
        name="motion",
        unit="levels",
        about="how much moves, wanted or not: the mean difference of consecutive frames once they are small (120 "
        "pixels) and smoothed; from 0, for a still picture, to 255",
        filter=("vmafmotion", ""),
        branch=SMALL,
        reduce=partial(Mean, "lavfi.vmafmotion.score", skip_first=True),
    ),
    FilterMetric(
        name="flicker",
        unit="levels",
        about="the mean absolute difference of the luma of consecutive frames, as VBench's temporal flickering: from 0,"
        " for a still picture, to 255; what moves counts too",
        filter=_SCENES,
        branch=EVERY,
        reduce=partial(Mean, "lavfi.scd.mafd", scale=_to_full_range, skip_first=True),
    ),
    FilterMetric(
        name="sharpness",
        unit="1/pixel",
        about="one divided by the mean width of edges, in the middle of the picture: more is sharper, about 0.25 is "
        "very sharp; NaN where there are no edges",
        filter=("blurdetect", ""),
        branch=SAMPLED,
        reduce=partial(Mean, "lavfi.blur", inverse=True),
    ),
    FilterMetric(
        name="blockiness",
        about="how much stronger edges are on a regular grid than beside it, in the middle of the picture: about 1 "
        "without blocks, more under strong compression",
        filter=("blockdetect", ""),
        branch=SAMPLED,
        reduce=partial(Mean, "lavfi.block"),
    ),
    FilterMetric(
        name="freezes",
        unit="s",
        about="seconds in which the picture stands still for at least half a second",
        filter=("freezedetect", "n=0.001:d=0.5"),
        branch=EVERY,
        reduce=partial(Seconds, "lavfi.freezedetect.freeze_start", "lavfi.freezedetect.freeze_end"),
    ),
    FilterMetric(
        name="black",
        unit="s",
        about="seconds of black frames, in which at least 98 % of the picture is darker than a tenth",
        filter=("blackdetect", "pic_th=0.98:pix_th=0.10"),
        branch=EVERY,
        reduce=partial(Seconds, "lavfi.black_start", "lavfi.black_end"),
    ),
    FilterMetric(
        name="cuts",
        about="number of hard cuts",
        filter=_SCENES,
        branch=EVERY,
        reduce=partial(Count, "lavfi.scd.time"),
    ),
    FilterMetric(
        name="brightness",
        about="mean luma, from 0 for black to 1 for white",
        filter=_SIGNAL,
        branch=SMALL_SAMPLED,
        reduce=partial(Mean, "lavfi.signalstats.YAVG", scale=1 / 255),
    ),
    FilterMetric(
        name="colourfulness",
        about="mean distance of colours from grey, from 0 for grey to 1",
        filter=_SIGNAL,
        branch=SMALL_SAMPLED,
        reduce=partial(Mean, "lavfi.signalstats.SATAVG", scale=1 / 128),
    ),
    FilterMetric(
        name="flashes",
        unit="1/s",
        about="the most flashes within one second, each a strong change of brightness there and back: more than 3 may "
        "harm people with photosensitive epilepsy",
        filter=("photosensitivity", "bypass=1"),
        branch=SMALL,
        reduce=partial(MostPerSecond, "lavfi.photosensitivity.frame-badness", threshold=0.25, scale=0.5),
    ),
    FilterMetric(
        name="loudness",
        unit="LUFS",
        about="loudness of the whole sound by EBU R 128: nearer to 0 is louder, -70 is silence or "
        "less than 0.4 s; NaN without sound",
        filter=("ebur128", "metadata=1"),
        branch=None,
        reduce=partial(Last, "lavfi.r128.I"),
    ),
    FilterMetric(
        name="kept_ssim",
        about="SSIM with the reference: 1 where both are the same, about 0 where no structure is kept",
        needs_reference=True,
        filter=("ssim", ""),
        branch=EVERY,
        reduce=partial(Mean, "lavfi.ssim.All"),
    ),
    FilterMetric(
        name="kept_psnr",
        unit="dB",
        about="PSNR with the reference: more is more alike, infinite where both are the same",
        needs_reference=True,
        filter=("psnr", ""),
        branch=EVERY,
        reduce=partial(Decibels, "lavfi.psnr.psnr_avg", power=2),
    ),
    FilterMetric(
        name="kept_xpsnr",
        unit="dB",
        about="PSNR weighted by what the eye sees, the least of luma and the two colour planes: more is more alike, "
        "infinite where both are the same",
        needs_reference=True,
        filter=("xpsnr", ""),
        branch=EIGHT_BITS,
        reduce=partial(Decibels, *(f"lavfi.xpsnr.xpsnr.{plane}" for plane in "yuv"), power=1),
    ),
    FilterMetric(
        name="kept_vif",
        about="visual information fidelity with the reference, the mean of FFmpeg's four scales: 1 where both are the "
        "same, about 0 where nothing is kept, above 1 where contrast has risen",
        needs_reference=True,
        filter=("vif", ""),
        branch=EVERY,
        reduce=partial(Mean, *(f"lavfi.vif.scale.{scale}" for scale in range(4))),
    ),
    FilterMetric(
        name="kept_vmaf",
        about="VMAF with the reference, from 0 to 100 where both are the same; it needs an FFmpeg with libvmaf, which "
        "PyAV's wheels do not have",
        needs_reference=True,
        filter=("libvmaf", "log_fmt=json:log_path={log}"),
        branch=EVERY,
        reduce=partial(LoggedMean, "vmaf"),
    ),
)
#: The built-in metrics by name.
BUILTIN = {metric.name: metric for metric in _BUILTIN}
#: Those that need nothing but a picture, which are measured unless others are asked for.
DEFAULT = tuple(metric.name for metric in _BUILTIN if metric.branch is not None and not metric.needs_reference)
