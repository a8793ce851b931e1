"""Requests before they are sent: model definitions, validation, uploads and digests."""
