"""What a bench gives: one measured number with its unit and what the project has promised."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured number; ``target`` in words, as the project has promised it."""

    name: str
    value: float
    unit: str
    target: str = ""

    def row(self) -> dict:
        return {
            "name": self.name,
            "value": float(f"{self.value:.4g}"),
            "unit": self.unit,
            "target": self.target,
        }
