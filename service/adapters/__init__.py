"""LoRA files and textual inversions: which may be used, whose likeness they hold."""
