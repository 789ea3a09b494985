"""One file a source: each turns what it reads into `WrittenSetting` settings and judges none of them."""
