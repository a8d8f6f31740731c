"""The techniques: transfer learning and LoRA, written once, readable, tested against the libraries."""
