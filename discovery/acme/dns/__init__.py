"""DNS-01: proves control of a name with a TXT record, through providers in lego's names and variables."""
