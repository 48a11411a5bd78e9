"""Epochs from files with PyTorch and torchvision, for `cargo xtask bench train`; crates/train/examples/epoch.rs does
the same with ours.

    epochs.py load|train TRAIN TEST SIDE BATCH COUNT WORKERS pillow|tensor|torchvision

`load` prints the pictures a second that the DataLoader alone brings in each of COUNT epochs, `train` the seconds of
each of COUNT epochs of a ResNet-18, validation included. A first epoch, to warm up and to start the workers, is not
printed. The last argument says what decodes and in what form pictures are transformed: Pillow and as Pillow's images,
Pillow and as tensors, or torchvision.io and as tensors.
"""

import sys
import time

import torch
import torchvision
from torchvision.datasets import ImageFolder
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms import v2

FLOATS = [v2.ToDtype(torch.float32, scale=True), v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]


def augmentation(side):
    return [v2.RandomResizedCrop(side), v2.RandomHorizontalFlip(), v2.ColorJitter(0.2, 0.2, 0.2, 0.05)]


def data_loader(folder, kind, steps, batch, workers, shuffle):
    # Tensors are transformed as tensors; what is still one of Pillow's images becomes a tensor at the end.
    to_tensor = [v2.ToImage()]
    steps = steps + to_tensor + FLOATS if kind == "pillow" else to_tensor + steps + FLOATS
    options = {"loader": lambda path: decode_image(path, ImageReadMode.RGB)} if kind == "torchvision" else {}
    data = ImageFolder(folder, v2.Compose(steps), **options)
    return torch.utils.data.DataLoader(
        data, batch, shuffle=shuffle, num_workers=workers, persistent_workers=workers > 0
    )


def load(train):
    while True:
        began, pictures = time.perf_counter(), 0
        for images, _ in train:
            pictures += len(images)
        yield pictures / (time.perf_counter() - began)


def fit(train, test):
    net = torchvision.models.resnet18(num_classes=len(train.dataset.classes))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    loss_of = torch.nn.functional.cross_entropy
    while True:
        began = time.perf_counter()
        seen = Seen()
        net.train()
        for images, labels in train:
            optimizer.zero_grad()
            logits = net(images)
            loss = loss_of(logits, labels)
            loss.backward()
            optimizer.step()
            seen.add(loss, logits, labels)
        seen = Seen()
        net.eval()
        with torch.no_grad():
            for images, labels in test:
                logits = net(images)
                seen.add(loss_of(logits, labels), logits, labels)
        yield time.perf_counter() - began


class Seen:
    """Loss and accuracy, as every training loop prints them."""

    def __init__(self):
        self.loss, self.right, self.count = 0.0, 0, 0

    def add(self, loss, logits, labels):
        self.loss += loss.item() * len(labels)
        self.right += (logits.argmax(1) == labels).sum().item()
        self.count += len(labels)


def main():
    what, train, test, *numbers, kind = sys.argv[1:]
    side, batch, count, workers = map(int, numbers)
    train = data_loader(train, kind, augmentation(side), batch, workers, shuffle=True)
    if what == "load":
        epochs = load(train)
    else:
        epochs = fit(train, data_loader(test, kind, [v2.Resize((side, side))], batch, workers, shuffle=False))
    next(epochs)
    for _ in range(count):
        print(next(epochs))


if __name__ == "__main__":
    main()
