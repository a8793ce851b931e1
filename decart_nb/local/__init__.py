"""The embedded queue: it speaks Decart's protocol on this machine, and renders previews."""
