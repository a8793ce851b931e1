"""IPython and pandas: the magics, nested event loops, and ``df.decart``."""
