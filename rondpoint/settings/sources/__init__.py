"""One file a source: each turns what it reads into `Written` settings and judges none of them."""
