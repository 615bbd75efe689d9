from types import SimpleNamespace
from typing import Any

import pytest
import torch

from service.generation.diffusers.layer_snapshot import LayerSnapshot


class Network(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Linear(4, 8)
        self.blocks = torch.nn.ModuleList([torch.nn.Linear(8, 8), torch.nn.Linear(8, 8)])
        self.config = SimpleNamespace(in_channels=4)


@pytest.fixture
def network() -> Any:
    return Network()


@pytest.fixture
def snapshot(network: Any) -> LayerSnapshot:
    return LayerSnapshot(SimpleNamespace(components={"transformer": network, "scheduler": object()}))


def test_a_pipeline_as_loaded_has_not_changed(snapshot: LayerSnapshot) -> None:
    assert snapshot.changed() is None


def test_other_values_of_the_same_shape_are_no_change(network: Any, snapshot: LayerSnapshot) -> None:
    network.first.weight.data.fill_(1)
    assert snapshot.changed() is None


@pytest.mark.parametrize("layer", ["first", "blocks.1"])
def test_a_wider_layer_is_noticed_and_the_old_one_put_back(network: Any, snapshot: LayerSnapshot, layer: str) -> None:
    own = network.get_submodule(layer)
    parent, _, leaf = layer.rpartition(".")
    setattr(network.get_submodule(parent), leaf, torch.nn.Linear(16, 8))
    assert snapshot.changed() == "transformer"
    snapshot.restore()
    assert network.get_submodule(layer) is own
    assert snapshot.changed() is None


def test_a_layer_that_is_gone_is_put_back(network: Any, snapshot: LayerSnapshot) -> None:
    own = network.first
    network.first = torch.nn.Identity()
    assert snapshot.changed() == "transformer"
    snapshot.restore()
    assert network.first is own


def test_the_configured_channels_are_part_of_it(network: Any, snapshot: LayerSnapshot) -> None:
    network.config.in_channels = 8
    assert snapshot.changed() == "transformer"
    snapshot.restore()
    assert network.config.in_channels == 4


def test_norm_layers_of_an_adapter_are_noticed(network: Any, snapshot: LayerSnapshot) -> None:
    network._transformer_norm_layers = {"norm": torch.nn.LayerNorm(4)}
    assert snapshot.changed() == "transformer"
    network._transformer_norm_layers = None
    assert snapshot.changed() is None
