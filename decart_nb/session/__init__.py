"""What a person types: ``connect``, and the functions that put the packages below together."""
