"""The loss by which cells look at their own positions of the layout."""

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from models.training.image_model.attention_loss import AttentionLoss
from models.training.image_model.config import Recipe
from models.training.image_model.networks import build_unet

SIDE = 4


class Attention(nn.Module):
    """What of attention the loss looks at, with queries and keys as they come."""

    def __init__(self) -> None:
        super().__init__()
        self.heads, self.to_q, self.to_k = 2, nn.Identity(), nn.Identity()


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attn2 = Attention()


def _loss(queries: torch.Tensor, keys: torch.Tensor) -> float:
    layer = Layer()
    unet = nn.ModuleDict({"layer": layer})
    attention_loss = AttentionLoss(unet, SIDE)
    layer.attn2.to_q(queries)
    layer.attn2.to_k(keys)
    return attention_loss.loss().item()


def _codes(scale: float) -> torch.Tensor:
    """(1, SIDE * SIDE, 2 heads of as many): each cell its own direction, in both heads."""
    return scale * torch.eye(SIDE**2).repeat(1, 2)[None]


def test_equal_attention_to_all_gives_a_cell_its_share() -> None:
    keys = torch.zeros(1, 5 + SIDE**2, 2 * SIDE**2)  # five positions of a caption before the layout's
    assert _loss(torch.zeros(1, SIDE**2, 2 * SIDE**2), keys) == pytest.approx(math.log(5 + SIDE**2), rel=1e-5)


def test_looking_at_ones_own_position_costs_nothing() -> None:
    keys = torch.cat([torch.zeros(1, 5, 2 * SIDE**2), _codes(20)], dim=1)
    assert _loss(_codes(20), keys) == pytest.approx(0, abs=1e-3)
    assert _loss(_codes(20).roll(1, dims=1), keys) > 10


def test_a_coarser_layers_cell_owns_a_block_of_positions() -> None:
    block = _codes(20).view(1, 2, 2, 2, 2, -1).sum((2, 4)).view(1, 4, -1)  # cells of 2 x 2 look at all of theirs
    assert _loss(block, _codes(20)) == pytest.approx(0, abs=1e-3)


def test_a_denoiser_can_be_taught(tmp_path: Path) -> None:
    recipe = Recipe(tmp_path, tmp_path, unet_channels=(16, 16, 16, 16), text_width=16)
    torch.manual_seed(0)
    unet = build_unet(recipe)
    attention_loss = AttentionLoss(unet, recipe.layout_side)
    optimizer = torch.optim.AdamW(unet.parameters(), 1e-2)
    noisy, states = torch.randn(2, recipe.latent_channels, 32, 32), torch.randn(2, recipe.text_length, 16)
    losses = []
    for _ in range(8):
        unet(noisy, torch.tensor([999, 500]), states)
        loss = attention_loss.loss()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.1


def test_passes_without_gradients_leave_no_trace(tmp_path: Path) -> None:
    recipe = Recipe(tmp_path, tmp_path, unet_channels=(16, 16, 16, 16), text_width=16)
    unet = build_unet(recipe)
    attention_loss = AttentionLoss(unet, recipe.layout_side)
    given = torch.randn(1, recipe.latent_channels, 32, 32), torch.tensor([5]), torch.randn(1, recipe.text_length, 16)
    unet(*given)
    before = attention_loss.loss()
    unet(*given)
    with torch.no_grad():
        unet(given[0] * 3, *given[1:])
    assert attention_loss.loss() == before
