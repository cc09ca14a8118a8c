"""The api door: what libraries' systems and kiosks call, with HTTP Basic over HTTPS, answered in JSON."""
