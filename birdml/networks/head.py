"""A head: species out of the embeddings of a pretrained encoder.

Shapes: B recordings, W windows of one, S samples, D dimensions of an embedding, C classes, N
recordings.

The encoder is no part of the weights: it is named, with the digest of its file, and run where it is
installed.
"""

import numpy as np
import torch
from torch import Tensor, nn

from birdml.encoders.entries import Encoder
from birdml.encoders.pretrained import hear_samples
from birdml.encoders.windows import Samples

LINEAR = ("own", "linear", "warm")  # heads that are one dense layer
HEADS = (*LINEAR, "mlp", "prototype")


class HeadNetwork(nn.Module):
    """Embeddings of windows -> logits, pooled over the windows of a recording.

    `head` is one of HEADS: a dense layer, one with a hidden layer of rectified units before it, or
    cosines to a prototype of each class, sharpened (Snell, Swersky and Zemel, "Prototypical
    Networks for Few-shot Learning", NeurIPS 2017, with cosines). Pooling: the log of the mean over
    windows of p^s, divided by s, with p the softmax of a window; with `attention`, a mean weighted
    by the softmax of embeddings @ direction.
    """

    takes = ("samples",)
    centre: Tensor
    sharpness: Tensor

    def __init__(
        self,
        encoder: Encoder,
        classes: int,
        head: str = "linear",
        hidden: int = 256,
        pooling_sharpness: float = 1.0,
        attention: bool = False,
    ):
        super().__init__()
        self.encoder, self.classes, self.head = encoder, classes, head
        self.pooling_sharpness = pooling_sharpness
        if head == "mlp":
            self.inner = nn.Linear(encoder.dimension, hidden)
        if head == "prototype":
            self.register_buffer("centre", torch.zeros(encoder.dimension))
            self.register_buffer("sharpness", torch.ones(()))
        inputs = hidden if head == "mlp" else encoder.dimension
        self.out = nn.Linear(inputs, classes, bias=head != "prototype")
        self.direction: nn.Parameter | None = None
        if attention:
            self.direction = nn.Parameter(torch.zeros(encoder.dimension))

    def logits(self, embeddings: Tensor) -> Tensor:
        """Of windows alone, float32 [W, D] -> [W, C]."""
        if self.head == "mlp":
            return self.out(self.inner(embeddings).relu())
        if self.head == "prototype":
            away = embeddings - self.centre
            return self.sharpness * self.out(away / away.norm(dim=1, keepdim=True).clamp(min=1e-30))
        return self.out(embeddings)

    def pooled(self, embeddings: Tensor) -> Tensor:
        """Logits of a recording, log probabilities [C], of its windows float32 [W, D]."""
        return torch.logsumexp(self._terms(embeddings), 0) / self.pooling_sharpness

    @torch.inference_mode()
    def say(self, embeddings: np.ndarray, label: int) -> np.ndarray:
        """Shares of the windows, of [W, D], in a recording's logit of a class, [W]: its derivative
        by their log probabilities."""
        return self._terms(self._tensor(embeddings))[:, label].softmax(0).cpu().numpy()

    def _terms(self, embeddings: Tensor) -> Tensor:
        """What pooling adds up, as logarithms [W, C]."""
        score = embeddings.new_zeros(len(embeddings))
        if self.direction is not None:
            score = embeddings @ self.direction
        share = score.log_softmax(0)[:, None]
        return self.logits(embeddings).log_softmax(1) * self.pooling_sharpness + share

    @torch.inference_mode()
    def of_recording(self, samples: Samples) -> np.ndarray:
        """Logits float32 [C] of a recording int16 [S]. Raises UserError where the encoder is not
        installed, or another one."""
        return self.of_embeddings(hear_samples(self.encoder, samples)[0])

    @torch.inference_mode()
    def of_embeddings(self, embeddings: np.ndarray) -> np.ndarray:
        """Logits float32 [C] of a recording, of the embeddings of its windows, [W, D]."""
        return self.pooled(self._tensor(embeddings)).cpu().numpy()

    @torch.inference_mode()
    def of_windows(self, embeddings: np.ndarray) -> np.ndarray:
        """Log probabilities float32 [W, C] of each of the encoder's windows alone, of [W, D]."""
        return self.logits(self._tensor(embeddings)).log_softmax(1).cpu().numpy()

    def forward(self, samples: Tensor) -> Tensor:
        """Logits, int16 [B, S] -> float32 [B, C]."""
        rows = [self.of_recording(one) for one in samples.cpu().numpy()]
        return torch.from_numpy(np.stack(rows)).to(self.out.weight.device)

    def _tensor(self, embeddings: np.ndarray) -> Tensor:
        return torch.from_numpy(np.asarray(embeddings, np.float32)).to(self.out.weight.device)
