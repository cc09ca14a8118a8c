"""The gate between the national portal and the libraries' own systems. It stores nothing.

    port.py lending.py policy.py   what the portal knows of a library's system
    circulation/ koha/ sip2/       adapters: our circulation, Koha's REST API, SIP2
    systems.py overview.py         which library has which system; asking many at once

Card numbers, loan ids and titles go into requests' bodies alone: never into logs or the texts of errors, nor into
addresses but where Koha's own API puts its internal ids there. Whatever a library answers is checked before it is
believed; what cannot be read is the same as no answer: Unavailable.
"""
