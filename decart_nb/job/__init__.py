"""Jobs and clips, and what runs a job from its request to its stored video."""
