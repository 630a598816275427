"""Targets and losses."""

import torch

from birdml.networks.pooling import Attention
from birdml.training.losses import binary_cross_entropy, step_cross_entropy
from birdml.training.objective import cross_entropy, targets

FOREGROUND = torch.tensor([1, 0])
PRESENT = torch.tensor([[False, True, True], [True, False, False]])


def test_targets_add_up_without_being_renormalised():
    assert targets(FOREGROUND, None, 3).tolist() == [[0, 1, 0], [1, 0, 0]]
    assert targets(FOREGROUND, PRESENT, 3).tolist() == [[0, 2, 1], [2, 0, 0]]
    teacher = torch.tensor([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]])
    assert targets(FOREGROUND, PRESENT, 3, teacher).tolist() == [[0.5, 2.25, 1.25], [2, 1, 0]]


def test_cross_entropy_of_uniform_logits_is_the_log_of_their_number():
    costs = cross_entropy(torch.zeros(2, 3), targets(FOREGROUND, PRESENT, 3))
    torch.testing.assert_close(costs, torch.tensor([3.0, 2.0]) * torch.log(torch.tensor(3.0)))


def test_the_step_loss_of_one_output_is_the_cross_entropy():
    scores = torch.randn(2, 3 + 4, 1)
    wanted = targets(FOREGROUND, PRESENT, 3)
    torch.testing.assert_close(
        step_cross_entropy(scores, Attention(4), wanted), cross_entropy(scores[:, :3, 0], wanted)
    )


def test_the_step_loss_counts_where_the_attention_is():
    scores = torch.zeros(1, 2 + 1, 2)
    scores[0, 0, 0], scores[0, 1, 1] = 5.0, 5.0
    wanted = targets(torch.tensor([0]), None, 2)
    scores[0, 2, 0] = 50.0
    right = step_cross_entropy(scores, Attention(1), wanted)
    scores[0, 2] = torch.tensor([0.0, 50.0])
    assert right < 0.01 and step_cross_entropy(scores, Attention(1), wanted) > 4


def test_the_binary_loss_does_not_mind_the_wrong_classes_with_the_highest_logits():
    logits = torch.tensor([[3.0, 9.0, 8.0, -5.0]])
    wanted = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
    kept = torch.nn.functional.softplus(torch.tensor([-3.0, -5.0])).mean()
    torch.testing.assert_close(binary_cross_entropy(logits, wanted, ignored=2), kept[None])
    alone = torch.nn.functional.softplus(torch.tensor([-3.0]))
    torch.testing.assert_close(binary_cross_entropy(logits, wanted, ignored=9), alone)
