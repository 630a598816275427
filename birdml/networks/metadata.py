"""The metadata network: encoded date, time and place -> logits."""

from torch import Tensor, nn

from birdml.networks.layers import SLOPE, orthogonal


class MetadataNetwork(nn.Module):
    """Dense layers with leaky ReLU between them, float32 [B, D] -> logits [B, C]."""

    takes = ("metadata",)

    def __init__(self, inputs: int, classes: int, hidden: tuple[int, ...] = (256, 512)):
        super().__init__()
        self.classes = classes
        layers: list[nn.Module] = []
        for width in hidden:
            layers += [orthogonal(nn.Linear(inputs, width)), nn.LeakyReLU(SLOPE, inplace=True)]
            inputs = width
        self.layers = nn.Sequential(*layers, orthogonal(nn.Linear(inputs, classes)))

    def forward(self, metadata: Tensor) -> Tensor:
        """Logits, float32 [B, D] -> float32 [B, C]."""
        return self.layers(metadata).float()
