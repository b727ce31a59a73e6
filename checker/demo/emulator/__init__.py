"""The embedded AWS: moto on a loopback port, with the client certificates of API Gateway that moto lacks.

Certificates of ACM are moto's; one that is seeded (`SeedAcm`) also says whether ACM renews it.

    with Emulator() as aws:
        gateway = aws.client("apigateway")
        aws.clock.advance(days=-353)
        nearly_over = gateway.generate_client_certificate()  # 12 days are left
        aws.clock.run()

Another process drives it by JSON under `/_tfcert/`; where nothing else is said, the answer is the state that the first shows:

| method, path | body | does |
|---|---|---|
| GET `/_tfcert/` | | shows the clock, the settings, the faults, how many calls came in |
| GET, DELETE `/_tfcert/calls` | | lists the calls, forgets them |
| POST `/_tfcert/clock` | `{"set": "2026-11-23T00:00:00Z"}`, `{"advance": {"days": -353}}`, `{"run": true}` | stops, moves, runs |
| POST `/_tfcert/settings` | `{"delete_in_use": "conflict", "certificate_quota": 60}` | or `badrequest`, or `allow` |
| POST `/_tfcert/faults` | `{"operation": "GetStages", "fault": {"type": "drop"}, "times": 2, "after": 1}` | sets a fault |
| POST `/_tfcert/allow` | `{"operations": ["GetCallerIdentity"]}` | denies all others |
| DELETE `/_tfcert/faults` | | lets everything go well, denies nothing |
| POST `/_tfcert/seed` | `[{"type": "certificate", "id": "abc123"}, …]`, as `wanted.py` has them | puts them there: their ids |
| POST `/_tfcert/age` | `{"id": "abc123", "days_left": 12.5}`, `{"id": "abc123", "expires_at": "…"}` | issues it anew |
| POST `/_tfcert/reset` | | empties all accounts, and sets everything as at first |

A fault is `{"type": "answer", "status": 429, "code": "TooManyRequestsException", "message": "…"}`, `{"type": "drop"}`,
`{"type": "hang", "seconds": 5}` or `{"type": "page", "status": 200}`; the order may also name an `account` and a `region`.
"""

from checker.demo.emulator.calls import RecordedCall
from checker.demo.emulator.emulator import Emulator
from checker.demo.emulator.faults import (
    AnswerFault,
    Drop,
    Fault,
    Faults,
    Hang,
    ProxyPage,
    access_denied,
    throttled,
    unavailable,
)
from checker.demo.emulator.seeds import Seed, SeedAcm, SeedApi, SeedCertificate, SeedRole
from checker.demo.emulator.state import Clock, DeleteAnswer

__all__ = [
    "AnswerFault",
    "Clock",
    "DeleteAnswer",
    "Drop",
    "Emulator",
    "Fault",
    "Faults",
    "Hang",
    "ProxyPage",
    "RecordedCall",
    "Seed",
    "SeedAcm",
    "SeedApi",
    "SeedCertificate",
    "SeedRole",
    "access_denied",
    "throttled",
    "unavailable",
]
