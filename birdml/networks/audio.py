"""The audio network: samples -> spectrogram -> mel bands -> trunk -> scores over time -> logits."""

from torch import Tensor, nn

from birdml.networks.frontend import Frontend, Spectrogram
from birdml.networks.layers import convolution
from birdml.networks.pooling import Pooling
from birdml.networks.trunks import TimeGeometry, time_geometry


class AudioNetwork(nn.Module):
    """From int16 samples [B, S] to logits [B, C].

    `trunk` gives [B, features, T, 1]; a 1x1 convolution after dropout turns its features into C
    class scores and as many attention channels as `pooling` wants.
    """

    takes = ("samples",)

    def __init__(
        self,
        spectrogram: Spectrogram,
        frontend: Frontend,
        trunk: nn.Sequential,
        features: int,
        classes: int,
        pooling: Pooling,
        dropout: float = 0.5,
    ):
        super().__init__()
        self.classes = classes
        self.spectrogram = spectrogram
        self.frontend = frontend
        self.trunk = trunk
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            convolution(features, classes + pooling.extra, (1, 1), bias=True),
        )
        self.pool = pooling

    @property
    def geometry(self) -> TimeGeometry:
        """Receptive field, stride and padding over time, in frames."""
        return time_geometry(self.trunk)

    @property
    def receptive_field(self) -> int:
        """Frames that one output over time is computed from (103 plain, 119 residual)."""
        return self.geometry.receptive_field

    @property
    def stride(self) -> int:
        """Frames between two outputs over time (9)."""
        return self.geometry.stride

    def scores_from_mel(self, mel: Tensor) -> Tensor:
        """Scores over time, [B, 1, F, M] -> [B, C + K, T]; the last K are attention channels."""
        return self.head(self.trunk(mel)).squeeze(-1)

    def scores_from_magnitudes(self, magnitudes: Tensor) -> Tensor:
        """Scores over time, [B, F, bins] -> [B, C + K, T]."""
        return self.scores_from_mel(self.frontend(magnitudes))

    def scores(self, samples: Tensor) -> Tensor:
        """Scores over time, int16 [B, S] -> [B, C + K, T]."""
        return self.scores_from_magnitudes(self.spectrogram(samples))

    def from_magnitudes(self, magnitudes: Tensor) -> Tensor:
        """Logits, [B, F, bins] -> [B, C]."""
        return self.pool(self.scores_from_magnitudes(magnitudes))

    def forward(self, samples: Tensor) -> Tensor:
        """Logits, int16 [B, S] -> float32 [B, C]."""
        return self.pool(self.scores(samples))
