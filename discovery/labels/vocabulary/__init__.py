"""Every label that the decoders know, with the words of the reference pages; tests hold both together."""
