"""Extensions of IPython and pandas: the magics, and the accessor ``df.decart``."""
