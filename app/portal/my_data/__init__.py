"""Mine opplysninger."""
