"""The local queue's renderer: a preview video, drawn on this machine, for each kind of model. No model runs."""
