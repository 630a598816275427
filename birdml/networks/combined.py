"""Audio and metadata together: the weighted sum of both networks' logits."""

from torch import Tensor, nn

from birdml.networks.audio import AudioNetwork
from birdml.networks.layers import full_precision
from birdml.networks.metadata import MetadataNetwork
from birdml.networks.place import PlaceNetwork


class CombinedNetwork(nn.Module):
    """Audio logits (after pooling) + weight x metadata logits."""

    takes = ("samples", "metadata")
    parts = ("audio", "metadata")

    def __init__(
        self, audio: AudioNetwork, metadata: MetadataNetwork | PlaceNetwork, weight: float = 0.33
    ):
        super().__init__()
        self.classes = audio.classes
        self.audio = audio
        self.metadata = metadata
        self.weight = weight

    def forward(self, samples: Tensor, metadata: Tensor) -> Tensor:
        """Logits, int16 [B, S] and float32 [B, D] -> float32 [B, C]."""
        return self.add(self.audio(samples), metadata)

    def add(self, audio_logits: Tensor, metadata: Tensor) -> Tensor:
        """Logits from audio logits that are there already, [B, C] and [B, D] -> [B, C].

        In float32 also where the audio part is trained in half precision.
        """
        with full_precision(metadata.device):
            return audio_logits + self.weight * self.metadata(metadata)


def audio_part(network: nn.Module) -> AudioNetwork | None:
    """The part of a network that listens: itself, that of a combined one, or None."""
    part = network.audio if isinstance(network, CombinedNetwork) else network
    return part if isinstance(part, AudioNetwork) else None
