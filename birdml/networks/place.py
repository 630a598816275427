"""The place network: features of place, season, hour and elevation -> logits."""

from torch import Tensor, nn


class Residual(nn.Module):
    """x + a layer normalised, dense, GELU, dropout, dense; [B, U] -> [B, U]."""

    def __init__(self, units: int, dropout: float):
        super().__init__()
        self.change = nn.Sequential(
            nn.LayerNorm(units),
            nn.Linear(units, units),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(units, units),
        )

    def forward(self, x: Tensor) -> Tensor:
        """[B, U] -> [B, U]."""
        return x + self.change(x)


class PlaceNetwork(nn.Module):
    """A dense layer, residual blocks, layer norm, dropout and the classes."""

    takes = ("metadata",)

    def __init__(
        self, inputs: int, classes: int, units: int = 256, blocks: int = 2, dropout: float = 0.3
    ):
        super().__init__()
        self.classes = classes
        self.layers = nn.Sequential(
            nn.Linear(inputs, units),
            *(Residual(units, dropout) for _ in range(blocks)),
            nn.LayerNorm(units),
            nn.Dropout(dropout),
            nn.Linear(units, classes),
        )

    def forward(self, metadata: Tensor) -> Tensor:
        """Logits, float32 [B, D] -> float32 [B, C]."""
        return self.layers(metadata).float()
