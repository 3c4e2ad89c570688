"""The autoencoder of the pretext tasks."""

import torch

from course_lib.pretext_tasks import NIN
from course_lib.pretext_tasks.autoencoder import Autoencoder, reconstruction_loss


def test_it_paints_a_picture_of_the_same_size_through_a_narrow_place():
    model = Autoencoder(NIN(3, 12), code=2)
    x = torch.rand(2, 3, 16, 24)
    assert model(x).shape == x.shape
    assert model.narrow(model.backbone(x)).shape == (2, 2, 4, 6)


def test_the_loss_is_the_mean_squared_error_and_reaches_the_backbone():
    model = Autoencoder(NIN(3, 12))
    x = torch.rand(2, 3, 16, 16)
    loss = reconstruction_loss(model, x)
    torch.testing.assert_close(loss, ((model(x) - x) ** 2).mean())
    loss.backward()
    assert all(p.grad is not None for p in model.parameters())
