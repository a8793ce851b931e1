"""What may be asked of a model: the catalogue, validation, uploads and digests. Nothing is sent."""
