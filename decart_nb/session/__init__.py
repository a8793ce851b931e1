"""Sessions: ``connect``, and the functions of :mod:`decart_nb` that use the current session."""
