"""The data path of UDP: sessions between clients of an entry point and servers."""
