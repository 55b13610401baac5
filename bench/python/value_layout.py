"""Where the axes of a value are: [batch, …indices, C], channels-first [batch, C, …indices]. Axes of indices count from 0."""

BATCH, CHANNELS = "batch", "channels"


class Layout:
    def __init__(self, channels_first):
        self.first = channels_first
        self.lead = 2 if channels_first else 1
        self.channel = 1 if channels_first else -1

    def labels(self, indices):
        """Labels of all axes, those of the indices given."""
        return [BATCH, CHANNELS, *indices] if self.first else [BATCH, *indices, CHANNELS]

    def shape(self, value_shape, indices):
        """The shape of a value with other indices."""
        channels = value_shape[self.channel]
        return (value_shape[0], channels, *indices) if self.first else (value_shape[0], *indices, channels)
