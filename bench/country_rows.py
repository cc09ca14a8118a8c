"""The statements by which PostgreSQL makes a country's rows: names, ages, postcodes and libraries spread as they are.

Each value is drawn by a hash of the patron's number and of what it is for, so that every run makes the same country.
"""

LIBRARIES = tuple(f"land{rank:03d}" for rank in range(1, 358))
"""Norway has 357 municipalities, each with a public library. The first has 12 % of the patrons, the median 0.1 %."""
LOOKS_A_PATRON = 3
KEYS = 4096
"""So many different secrets, each sealed once: a seal belongs to a column, not to a row, so every copy opens."""
SCATTER = 618_033_988_749
"""Odd and without a factor 5, so that multiplying by it scatters the numbers of credentials and lets no two meet."""
_FIRST_NAMES = (
    "Anne Inger Kari Marit Ingrid Liv Eva Berit Astrid Bjørg Hilde Anna Solveig Marianne Randi Ida Nina Maria Elisabeth"
    " Kristin Jan Per Bjørn Ole Lars Kjell Knut Svein Thomas Arne Geir Hans Morten Tor Martin Andreas Åge Terje Odd"
    " Erik Nora Emma Olivia Ella Maja Sofie Leah Frida Ingeborg Selma Jakob Lucas Emil Oskar Oliver Filip Noah Elias"
    " Aksel Mohammed Fatima Aisha Omar Nguyen Agnieszka Piotr Olena Ahmad Yusuf Zahra"
)
_LAST_NAMES = (
    "Hansen Johansen Olsen Larsen Andersen Pedersen Nilsen Kristiansen Jensen Karlsen Johnsen Pettersen Eriksen Berg"
    " Haugen Hagen Johannessen Andreassen Jacobsen Dahl Jørgensen Henriksen Lund Halvorsen Sørensen Jakobsen Moen"
    " Gundersen Iversen Strand Solberg Svendsen Eide Knutsen Martinsen Paulsen Bakken Kristoffersen Mathisen Lie"
    " Amundsen Nguyen Rasmussen Ali Lunde Solheim Berge Moe Nygård Bakke Kristensen Fredriksen Holm Lien Hauge"
    " Christensen Andresen Nielsen Knudsen Evensen Sæther Aas Myhre Hanssen Ahmed Haugland Thomassen Sivertsen Simonsen"
    " Danielsen Berntsen Sandvik Rønning Arnesen Antonsen Næss Vik Haug Ellingsen Thorsen Edvardsen Birkeland Isaksen"
    " Gulbrandsen Ruud Aasen Strøm Myklebust Tangen Ødegård Eliassen Helland Bøe Jenssen Aune Mikkelsen Tveit Brekke"
    " Abrahamsen Madsen"
)


def _drawn(purpose: int, number: str = "n") -> str:
    """Return SQL for a number from 0 to 2³¹ - 1 that is drawn for a patron."""
    return f"(hashint8extended({number}, {purpose}) & 2147483647)"


def _share(purpose: int, number: str = "n") -> str:
    """Return SQL for a number from 0 to below 1."""
    return f"({_drawn(purpose, number)} / 2147483648.0::float8)"


def _hex(word: str, number: str = "n") -> str:
    """Return SQL for 64 hexadecimal digits, as a token or a hash has them."""
    return f"encode(sha256(('{word} ' || {number})::bytea), 'hex')"


# The share of a library falls with its rank, as that of towns does: the first has twice as many as the second.
_RANK = f"floor(power({len(LIBRARIES) + 1}, {_share(6)}))::int"
# Seven in eight are up to 72 years old, evenly; beyond that fewer and fewer.
_AGE = f"CASE WHEN {_share(3)} < 0.875 THEN 82 * {_share(3)} ELSE 100 - 80 * sqrt(1 - {_share(3)}) END"
_LIBRARY_OF_RANK = "'land' || lpad(({rank})::text, 3, '0')"
_HAS_DEVICE = f"{_drawn(20)} % 100 < 60"

_PATRONS = f"""
    INSERT INTO patrons (id, card_number, card_state, name, birth_date, gender, address, postcode, place, phone, email,
                         preferred_contact, proven_email, language, home_library_id, registered_at, last_used_on,
                         erase_at, erase_reason, version)
    SELECT n, 'N' || (100000000 + n), 'active',
           first_names[floor(power(cardinality(first_names) + 1, {_share(1)}))::int] || ' '
           || last_names[1 + {_drawn(2)} % cardinality(last_names)],
           current_date - ceil(365.25 * ({_AGE}))::int, (ARRAY['female', 'male'])[1 + {_drawn(7)} % 2],
           'Furuveien ' || {_drawn(4)} % 300,
           lpad(((rank * 28 + {_drawn(5)} % greatest(1, 561 / rank)) % 10000)::text, 4, '0'),
           'Jessheim', '+47' || (40000000 + n), 'patron' || n || '@example.org', 'email',
           'patron' || n || '@example.org', (ARRAY['nb', 'nb', 'nb', 'nn', 'en'])[1 + {_drawn(8)} % 5],
           {_LIBRARY_OF_RANK.format(rank="rank")}, :now - interval '9 years' * {_share(9)},
           current_date - floor(1080 * power({_share(10)}, 3))::int, NULL, NULL, 3
    FROM generate_series(1, :people) AS n, LATERAL (SELECT {_RANK} AS rank) AS ranked,
         string_to_array('{_FIRST_NAMES}', ' ') AS first_names, string_to_array('{_LAST_NAMES}', ' ') AS last_names
"""
_AFFILIATIONS = f"""
    INSERT INTO affiliations (patron_id, library_id, activated_at)
    SELECT n, {_LIBRARY_OF_RANK.format(rank=f"(rank - 1 + 17 * away) % {len(LIBRARIES)} + 1")}, registered_at
    FROM (SELECT id AS n, substr(home_library_id, 5)::int AS rank, registered_at FROM patrons) AS joined,
         generate_series(0, 2) AS away
    WHERE {_drawn(11)} % 100 < (ARRAY[98, 25, 6])[1 + away]
    ORDER BY n
"""
_NATIONAL_IDS = f"""
    INSERT INTO national_id_tokens (token, patron_id, key_id)
    SELECT {_hex("id")}, n, 1 FROM generate_series(1, :people) AS n WHERE {_drawn(12)} % 100 < 95
"""
_NUMBERS = f"""
    INSERT INTO issued_numbers (token, key_id, gone_at)
    SELECT {_hex("number")}, 1, CASE WHEN n > :people THEN :now END FROM generate_series(1, :people * 21 / 20) AS n
"""
_PINS = f"""
    INSERT INTO pin_verifiers (patron_id, verifier, key_id, set_at)
    SELECT n, :verifier, 1, :now - interval '2 years' * {_share(13)} FROM generate_series(1, :people) AS n
    WHERE {_drawn(13)} % 100 < 85 OR {_HAS_DEVICE}
"""
_DEVICES = f"""
    INSERT INTO devices (id, patron_id, token_hash, label, first_seen_at, confirmed_at)
    SELECT row_number() OVER (ORDER BY n, nth), n, {_hex("device", "n * 2 + nth")},
           (ARRAY['Safari, iPhone', 'Chrome, Android', 'Firefox, Windows'])[1 + {_drawn(14)} % 3],
           :now - interval '80 days' * {_share(14)}, :now - interval '80 days' * {_share(14)}
    FROM generate_series(1, :people) AS n, generate_series(0, 1) AS nth
    WHERE {_HAS_DEVICE} AND (nth = 0 OR {_drawn(15)} % 100 < 20)
"""
# Number, key and step of a patron's first device follow from the patron; those of others have other numbers.
_CREDENTIALS = f"""
    INSERT INTO credentials (number, patron_id, device_id, kind, sealed_key, key_on_phone, issued_at, expires_at,
                             revoked_at, last_step, drift, failures)
    SELECT lpad(((id_of * {SCATTER}) % 1000000000000)::text, 12, '0'), n, device, :kind, keys.sealed, false,
           seen, seen + interval '90 days', NULL,
           (extract(epoch FROM :now - interval '1 hour' - interval '70 days' * {_share(16)}) / 30)::bigint, 0, 0
    FROM (SELECT patron_id AS n, id AS device, first_seen_at AS seen,
                 CASE lag(patron_id) OVER (ORDER BY id) WHEN patron_id THEN :people + id ELSE patron_id END AS id_of
          FROM devices) AS known
    JOIN made_keys AS keys ON keys.place = n % {KEYS}
    ORDER BY device
"""
# A day's scans, each of somebody else.
_STEPS = """
    INSERT INTO presented_steps
        (credential_id, step, patron_id, library_id, terminal, session, presented_at, expires_at)
    SELECT id, last_step, patron_id, 'land001', 'kiosk:land001', md5('session ' || id),
           :now - interval '23 hours' * (id % 1000) / 1000, :now - interval '23 hours' * (id % 1000) / 1000
    FROM credentials WHERE hashint8extended(id, 17) & 31 = 0
"""
_SESSIONS = f"""
    INSERT INTO sessions (token_hash, patron_id, device_id, started_at, expires_at, idle_seconds, secret_entered_at)
    SELECT {_hex("session", "id")}, patron_id, id, first_seen_at, :now + interval '90 days' * {_share(18, "id")},
           7776000, first_seen_at
    FROM devices WHERE {_drawn(18, "id")} % 100 < 70
"""
# Children, most of whom let somebody who is older see their loans.
_PERMISSIONS = f"""
    INSERT INTO family_permissions
        (patron_id, guardian_card_number, guardian_id, given_at, switched_on_at, may_carry_card)
    SELECT n, 'N' || (100000000 + guardian), guardian, :now, CASE WHEN {_drawn(21)} % 5 > 0 THEN :now END,
           {_drawn(22)} % 2 = 0
    FROM (SELECT id AS n, 1 + {_drawn(23, "id")} % :people AS guardian FROM patrons
          WHERE birth_date > current_date - 365 * 16) AS young
    WHERE {_drawn(24)} % 100 < 60 AND n <> guardian
"""
# In the order of time, as entries are written; each is about anybody. The oldest day's are due to be deleted.
_LOOKS = f"""
    INSERT INTO access_log (id, at, patron_id, library_id, role, actor, purpose, fields, proof)
    SELECT n, :now - interval '366 days' * (1 - n::float8 / (:people * {LOOKS_A_PATRON})),
           1 + {_drawn(25)} % :people, {_LIBRARY_OF_RANK.format(rank=_RANK)},
           (ARRAY['kiosk', 'kiosk', 'system', 'staff', 'guardian'])[kind], CASE kind WHEN 5 THEN
           (1 + {_drawn(27)} % :people)::text ELSE {_LIBRARY_OF_RANK.format(rank=_RANK)} END,
           (ARRAY['scan', 'scan', 'fetch', 'visit', 'loans'])[kind],
           (ARRAY['name, age band, home library, device', 'name, age band, home library, device',
                  'name, birth date, gender, address, phone, e-mail', 'name, birth date, place, home library',
                  'loans'])[kind],
           '\\x01'::bytea || sha256(n::text::bytea)
    FROM generate_series(1, :people * {LOOKS_A_PATRON}) AS n,
         LATERAL (SELECT 1 + least(4, {_drawn(26)} % 17 / 4)::int AS kind) AS kinds
"""
_CHAIN = f"""
    INSERT INTO access_log_chain (seq, entry_id, commitment, link)
    SELECT n, n, sha256(('entry ' || n)::bytea), sha256(('link ' || n)::bytea)
    FROM generate_series(1, :people * {LOOKS_A_PATRON}) AS n
"""
# What ninety days leave: that patrons joined, and what changed about them since.
_NOTICES = f"""
    INSERT INTO library_notices (library_id, seq, patron_id, patron_version, kind, asked_at, attempts, confirmed_at)
    SELECT library_id, row_number() OVER (PARTITION BY library_id ORDER BY {_drawn(28)}), n, 3,
           CASE WHEN {_drawn(28)} % 4 = 0 THEN 'joined' ELSE 'changed' END,
           :now - interval '90 days' * {_share(28)}, 0, :now - interval '89 days' * {_share(28)}
    FROM (SELECT patron_id AS n, library_id FROM affiliations) AS told
"""
_QUEUES = """
    INSERT INTO library_queues (library_id, last_seq, purged_seq, attempts)
    SELECT library_id, max(seq), 0, 0 FROM library_notices GROUP BY library_id
"""
_MESSAGES = f"""
    INSERT INTO messages (patron_id, kind, urgency, queue, channel, asked_at, attempts, sent_at)
    SELECT n, 'contact-changed', 3, 'email', 'email', :now - interval '31 days' * {_share(29)}, 1,
           :now - interval '31 days' * {_share(29)}
    FROM generate_series(1, :people) AS n WHERE {_drawn(30)} % 100 < 15
"""
_CONTACT_CHANGES = f"""
    INSERT INTO contact_changes (patron_id, fields, sealed_former, changed_at)
    SELECT n, 'email', contact, :now - interval '8 days' * {_share(31)}
    FROM generate_series(1, :people) AS n, (SELECT contact FROM made_keys LIMIT 1) AS sealed
    WHERE {_drawn(32)} % 100 < 2
"""
_VISITS = f"""
    INSERT INTO desk_visits (session, patron_id, library_id, terminal, opened_at, expires_at)
    SELECT md5('visit ' || n), n, 'land001', 'desk:land001', :now - interval '25 hours' * {_share(33)},
           :now - interval '24 hours' * {_share(33)}
    FROM generate_series(1, :people) AS n WHERE {_drawn(33)} % 1000 < 5
"""
_TRIES = f"""
    INSERT INTO attempt_counts (purpose, subject, since, taken)
    SELECT 'card-day', {_hex("tries")}, :now - interval '25 hours' * {_share(34)}, 1
    FROM generate_series(1, :people) AS n WHERE {_drawn(35)} % 100 < 2
"""

ROWS = {
    "patrons": _PATRONS,
    "affiliations": _AFFILIATIONS,
    "national_id_tokens": _NATIONAL_IDS,
    "issued_numbers": _NUMBERS,
    "pin_verifiers": _PINS,
    "devices": _DEVICES,
    "credentials": _CREDENTIALS,
    "presented_steps": _STEPS,
    "sessions": _SESSIONS,
    "family_permissions": _PERMISSIONS,
    "access_log": _LOOKS,
    "access_log_chain": _CHAIN,
    "library_notices": _NOTICES,
    "library_queues": _QUEUES,
    "messages": _MESSAGES,
    "contact_changes": _CONTACT_CHANGES,
    "desk_visits": _VISITS,
    "attempt_counts": _TRIES,
}
"""By table, in an order in which each finds those that it is made from."""
