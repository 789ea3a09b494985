"""All labels that the decoders read, with the texts of the reference pages; tests compare both."""
