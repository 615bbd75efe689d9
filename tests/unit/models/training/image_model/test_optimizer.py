"""Muon and AdamW behind one face."""

import copy

import pytest
import torch
from torch import nn

from models.training.image_model.optimizer import MuonAndAdam, split


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(3, 8, 3, padding=1)
        self.kernel = nn.Conv2d(8, 6, 3, padding=1)
        self.words = nn.Embedding(5, 6)
        self.matrix = nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        spoken: torch.Tensor = self.kernel(self.conv_in(x)).mean((2, 3)) + self.words(torch.tensor([1]))
        mixed: torch.Tensor = self.matrix(spoken)
        return mixed


def _net() -> Net:
    torch.manual_seed(3)
    return Net()


def _gradients(net: Net, seed: int = 0) -> None:
    torch.manual_seed(seed)
    net.zero_grad()
    net(torch.randn(4, 3, 8, 8)).square().sum().backward()


def test_kernels_and_matrices_are_muons_and_the_rest_adams() -> None:
    net = _net()
    kernels, others = split(net)
    assert [id(one) for one in kernels] == [id(net.kernel.weight), id(net.matrix.weight)]
    assert len(kernels) + len(others) == len(list(net.parameters()))


@pytest.mark.parametrize("threads", [1, 2])
def test_a_kernels_step_is_that_of_torchs_muon_on_its_rows(threads: int) -> None:
    net = _net()
    rows = nn.Parameter(net.kernel.weight.detach().clone().flatten(1))
    _gradients(net)
    assert net.kernel.weight.grad is not None
    rows.grad = net.kernel.weight.grad.flatten(1)
    MuonAndAdam(net, 0.01, 0.1, threads).step()
    torch.optim.Muon([rows], 0.01, weight_decay=0.1, adjust_lr_fn="match_rms_adamw").step()
    assert torch.allclose(net.kernel.weight.flatten(1), rows, atol=1e-6)


def test_kernels_whose_channels_lie_last_in_memory_are_stepped_too() -> None:
    net = _net().to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it
    before = net.kernel.weight.detach().clone()
    _gradients(net)
    MuonAndAdam(net, 0.01, 0.0, 1).step()
    assert not torch.equal(net.kernel.weight, before)


def test_it_goes_on_from_its_state() -> None:
    net = _net()
    optimizer = MuonAndAdam(net, 0.01, 0.0, 2)
    _gradients(net)
    optimizer.step()
    other = copy.deepcopy(net)
    resumed = MuonAndAdam(other, 0.01, 0.0, 2)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for one, its in ((net, optimizer), (other, resumed)):
        _gradients(one, 1)
        its.step()
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), other.parameters(), strict=True))


def test_the_rate_is_set_for_all_parts() -> None:
    optimizer = MuonAndAdam(_net(), 0.01, 0.0, 2)
    assert len(optimizer.param_groups) == 3
