"""Jobs and clips: what a person holds, and what carries a request from intent to file."""
