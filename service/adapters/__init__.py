"""LoRA files and textual inversions: which may be used, and whose likeness they contain."""
