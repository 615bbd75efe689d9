"""Where each file format keeps its metadata. Readers are bounded, linear, and stop at the first damage."""
