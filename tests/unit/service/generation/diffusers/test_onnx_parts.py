"""A tiny random UNet and decoder, computed by torch and by ONNX Runtime."""

from typing import Any

import onnx
import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel

from models import ModelFault
from models.training.image_model.graph import decoder_graph, denoiser_graph
from service.generation.diffusers.onnx_parts import Decoder, Denoiser
from tests.support.encoders import small_encoder
from tests.support.pipelines import unet as tiny
from tests.support.pipelines import vae as tiny_vae

TOKENS, WIDTH, SIDE = 16, 32, 8


@pytest.fixture(scope="module")
def unet() -> UNet2DConditionModel:
    return made(0)


@pytest.fixture(scope="module")
def graph(unet: UNet2DConditionModel) -> bytes:
    return denoiser_graph(unet, TOKENS)


@pytest.fixture(scope="module")
def denoiser(unet: UNet2DConditionModel, graph: bytes) -> Denoiser:
    return Denoiser(unet, graph, 1)


def made(seed: int, **more: Any) -> UNet2DConditionModel:
    torch.manual_seed(seed)
    return tiny(WIDTH, **more).eval().requires_grad_(False)


def given(pictures: int) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(pictures)
    return torch.randn(pictures, 4, 32, 32), torch.randn(pictures, TOKENS, WIDTH)


def predicted(unet: UNet2DConditionModel, pictures: int, timestep: object = 3) -> torch.Tensor:
    sample, states = given(pictures)
    with torch.inference_mode():
        found: torch.Tensor = unet(sample, timestep, encoder_hidden_states=states, return_dict=False)[0]
    return found


@pytest.mark.parametrize("pictures", [1, 2, 3])
@pytest.mark.parametrize("timestep", [999, torch.tensor(17), torch.tensor(2.5)], ids=str)
def test_it_predicts_what_torch_predicts(
    unet: UNet2DConditionModel, denoiser: Denoiser, pictures: int, timestep: object
) -> None:
    expected = predicted(unet, pictures, timestep)
    with denoiser.active():
        found, again = (predicted(unet, pictures, timestep) for _ in range(2))
    assert torch.equal(found, again)
    assert not torch.equal(found, torch.zeros_like(found))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_pictures_that_lie_otherwise_in_memory_are_the_same(unet: UNet2DConditionModel, denoiser: Denoiser) -> None:
    sample, states = given(2)
    with denoiser.active():
        plain, turned = (
            unet(one, 3, states, return_dict=False)[0]
            for one in (sample, sample.contiguous(memory_format=torch.channels_last))
        )
    assert torch.equal(plain, turned)


def test_the_graph_is_empty_and_takes_other_weights_of_the_same_shapes(graph: bytes) -> None:
    assert not onnx.load_from_string(graph).graph.initializer
    other = made(1)
    expected = predicted(other, 2)
    with Denoiser(other, graph, 1).active():
        torch.testing.assert_close(predicted(other, 2), expected, atol=1e-4, rtol=0)


def test_afterwards_torch_predicts_again_even_after_a_fault(unet: UNet2DConditionModel, denoiser: Denoiser) -> None:
    def draw() -> None:
        with denoiser.active():
            assert "forward" in vars(unet)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw()
    assert "forward" not in vars(unet)


def test_what_the_graph_has_no_input_for_is_a_fault(unet: UNet2DConditionModel, denoiser: Denoiser) -> None:
    sample, states = given(2)
    with denoiser.active():
        unet(sample, 3, states, cross_attention_kwargs=None, return_dict=False)
        with pytest.raises(ModelFault, match="no input for added_cond_kwargs"):
            unet(sample, 3, states, added_cond_kwargs={"image_embeds": states}, return_dict=False)
        with pytest.raises(ModelFault, match="ONNX Runtime"):
            unet(sample[:, :2], 3, states, return_dict=False)


def test_another_networks_graph_is_refused(graph: bytes) -> None:
    """The same weights fit into both: only what comes out tells that this graph splits them into other heads."""
    with pytest.raises(ModelFault, match="not the graph of these weights"):
        Denoiser(made(0, heads=2), graph, 1)


def test_a_network_of_other_shapes_is_refused(graph: bytes) -> None:
    with pytest.raises(ModelFault, match="ONNX Runtime"):
        Denoiser(made(0, channels=(16, 32)), graph, 1)


@pytest.mark.parametrize("broken", [b"", b"no graph", b"\x08"])
def test_what_is_no_graph_is_refused(unet: UNet2DConditionModel, broken: bytes) -> None:
    with pytest.raises(ModelFault):
        Denoiser(unet, broken, 1)


def test_a_graph_of_something_else_is_refused() -> None:
    class Weightless:
        def state_dict(self) -> dict[str, torch.Tensor]:
            return {}

    with pytest.raises(ModelFault, match="has inputs pixel_values"):
        Denoiser(Weightless(), small_encoder(), 1)


@pytest.fixture(scope="module")
def vae() -> AutoencoderKL:
    torch.manual_seed(0)
    return tiny_vae().eval().requires_grad_(False)


@pytest.fixture(scope="module")
def decoding(vae: AutoencoderKL) -> bytes:
    return decoder_graph(vae, SIDE)


@pytest.mark.parametrize("pictures", [1, 2, 3])
def test_it_decodes_what_torch_decodes(vae: AutoencoderKL, decoding: bytes, pictures: int) -> None:
    latents = torch.randn(pictures, vae.config.latent_channels, SIDE, SIDE)
    with torch.inference_mode():
        expected = vae.decode(latents, return_dict=False)[0]
        with Decoder(vae.decoder, decoding, 1).active():
            found, named = vae.decode(latents, return_dict=False)[0], vae.decode(latents).sample
    assert torch.equal(found, named)
    assert found.std() > 0
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_latents_of_another_size_are_a_fault(vae: AutoencoderKL, decoding: bytes) -> None:
    with Decoder(vae.decoder, decoding, 1).active(), pytest.raises(ModelFault, match="ONNX Runtime"):
        vae.decode(torch.randn(1, vae.config.latent_channels, SIDE + 1, SIDE))


def test_the_graph_of_another_decoder_is_refused(vae: AutoencoderKL, decoding: bytes) -> None:
    """The same weights fit into both: this one normalises in other groups."""
    torch.manual_seed(0)
    other = tiny_vae(groups=2).eval().requires_grad_(False)
    with pytest.raises(ModelFault, match="not the graph of these weights"):
        Decoder(other.decoder, decoding, 1)


def test_the_graph_of_other_latents_is_refused(decoding: bytes) -> None:
    with pytest.raises(ModelFault, match=r"vae/graph\.onnx"):
        Decoder(tiny_vae(channels=8).eval().requires_grad_(False).decoder, decoding, 1)


def test_a_graph_of_any_size_is_refused(vae: AutoencoderKL, decoding: bytes) -> None:
    """There is no telling what to prove it with."""
    model = onnx.load_from_string(decoding)
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "height"
    with pytest.raises(ModelFault, match="other shapes"):
        Decoder(vae.decoder, model.SerializeToString(), 1)


def test_the_denoisers_graph_is_no_decoders(vae: AutoencoderKL, graph: bytes) -> None:
    with pytest.raises(ModelFault, match=r"vae/graph\.onnx"):
        Decoder(vae.decoder, graph, 1)
