"""Initialise the autoencoder with weights that make it a codec of block averages."""

from __future__ import annotations

import torch
from diffusers import AutoencoderKL
from diffusers.models.downsampling import Downsample2D
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.upsampling import Upsample2D
from torch import nn

COLOURS = 3


@torch.no_grad()
def start_as_block_averages(model: AutoencoderKL, channels: int) -> None:
    """Initialise the model as a codec of 8 x 8 block averages: latents 0 to 2 are red, green and blue.

    Residual branches start at zero (compare Zhang et al. 2019, "Fixup"), resampling as averaging and repeating. A
    colour c is represented by the pair (c, -c), because silu(c) - silu(-c) = c and group normalisation keeps the mean
    of such a pair; a pair of constants also preserves its brightness. From the usual random initialisation the first
    thousand steps go into finding a path for the colours, with green versus magenta found last.
    """
    encoder, decoder = model.encoder, model.decoder
    for part in model.modules():
        if isinstance(part, ResnetBlock2D):
            nn.init.zeros_(part.conv2.weight)
            nn.init.zeros_(part.conv2.bias)
            if part.conv_shortcut is not None:
                _pass_through(part.conv_shortcut)
        elif isinstance(part, Downsample2D | Upsample2D):
            _resample_identically(part)
    for entry in (encoder.conv_in, decoder.conv_in):
        entry.weight[: 2 * COLOURS + 2] = 0
        entry.bias[: 2 * COLOURS + 2] = 0
        for colour in range(COLOURS):
            entry.weight[2 * colour, colour, 1, 1] = 1
            entry.weight[2 * colour + 1, colour, 1, 1] = -1
        entry.bias[2 * COLOURS], entry.bias[2 * COLOURS + 1] = 1, -1
    # Two normalisations make the image about 1.6 times too vivid by the end of the decoder.
    for leave, gain in ((encoder.conv_out, 1.0), (decoder.conv_out, 0.62)):
        leave.weight[:COLOURS] = 0
        leave.bias[:COLOURS] = 0
        for colour in range(COLOURS):
            leave.weight[colour, 2 * colour, 1, 1] = gain
            leave.weight[colour, 2 * colour + 1, 1, 1] = -gain
    nn.init.eye_(model.post_quant_conv.weight[:, :, 0, 0])
    nn.init.eye_(model.quant_conv.weight[:, :, 0, 0])
    nn.init.zeros_(model.quant_conv.bias)
    model.quant_conv.weight[channels:] *= 0.1
    model.quant_conv.bias[channels:] = -5.0  # almost no noise initially


def _pass_through(shortcut: nn.Conv2d) -> None:
    """Make a 1 x 1 convolution the identity on shared channels; further outputs are random mixtures."""
    shared = min(shortcut.in_channels, shortcut.out_channels)
    nn.init.orthogonal_(shortcut.weight)
    if shortcut.bias is not None:
        nn.init.zeros_(shortcut.bias)
    shortcut.weight[:shared] = 0
    nn.init.eye_(shortcut.weight[:shared, :, 0, 0])


def _resample_identically(part: Downsample2D | Upsample2D) -> None:
    """Average 2 x 2 pixels when downsampling, repeat them when upsampling, per channel."""
    weight = part.conv.weight
    nn.init.zeros_(weight)
    nn.init.zeros_(part.conv.bias)
    diagonal = torch.arange(len(weight))
    if isinstance(part, Upsample2D):
        weight[diagonal, diagonal, 1, 1] = 1
    else:
        weight[diagonal, diagonal, :2, :2] = 0.25
