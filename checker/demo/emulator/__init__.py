"""The embedded AWS: moto on a loopback port, plus the client certificates of API Gateway.

Certificates of ACM are moto's; a seeded one (`SeedAcm`) also has a renewal status. S3 objects,
parameters and secrets are moto's; trust stores of load balancers are the emulator's own.

    with Emulator() as aws:
        gateway = aws.client("apigateway")
        aws.clock.advance(days=-353)
        nearly_over = gateway.generate_client_certificate()  # 12 days are left
        aws.clock.run()

Another process controls it with JSON requests under `/_tfcert/`. By default the answer is the state
that GET `/_tfcert/` shows:

| method, path | body | effect |
|---|---|---|
| GET `/_tfcert/` | | show the clock, the settings, the faults and the number of calls |
| GET, DELETE `/_tfcert/calls` | | list the calls, or delete them |
| POST `/_tfcert/clock` | `{"set": "2026-11-23T00:00:00Z"}` | stop the clock |
| POST `/_tfcert/clock` | `{"advance": {"days": -353}}` | move the clock |
| POST `/_tfcert/clock` | `{"run": true}` | run with the system clock |
| POST `/_tfcert/settings` | `{"delete_in_use": "conflict"}` | or `badrequest`, or `allow` |
| POST `/_tfcert/settings` | `{"certificate_quota": 60}` | set the quota |
| POST `/_tfcert/settings` | `{"test_log": "none"}` | or `console`, `json`, `chatty`: test calls |
| POST `/_tfcert/faults` | `{"operation": "GetStages", "fault": {…}, "times": 2}` | add a fault |
| POST `/_tfcert/allow` | `{"operations": ["GetCallerIdentity"]}` | deny all others |
| DELETE `/_tfcert/faults` | | remove all faults, deny nothing |
| POST `/_tfcert/seed` | `[{"type": "certificate", "id": "abc123"}, …]` | create, return the ids |
| POST `/_tfcert/age` | `{"id": "abc123", "days_left": 12.5}` | issue the certificate again |
| POST `/_tfcert/age` | `{"id": "abc123", "expires_at": "…"}` | issue the certificate again |
| POST `/_tfcert/reset` | | empty all accounts, restore the initial settings |

The seeds are described in `seeds.py`. A fault has one of these forms; the request may also have
`after`, `account` and `region`:

    {"type": "answer", "status": 429, "code": "TooManyRequestsException", "message": "…"}
    {"type": "drop"}
    {"type": "hang", "seconds": 5}
    {"type": "page", "status": 200}
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
from checker.demo.emulator.seeds import (
    Seed,
    SeedAcm,
    SeedApi,
    SeedCertificate,
    SeedMethod,
    SeedRole,
)
from checker.demo.emulator.state import Clock, DeleteAnswer, LogForm

__all__ = [
    "AnswerFault",
    "Clock",
    "DeleteAnswer",
    "Drop",
    "Emulator",
    "Fault",
    "Faults",
    "Hang",
    "LogForm",
    "ProxyPage",
    "RecordedCall",
    "Seed",
    "SeedAcm",
    "SeedApi",
    "SeedCertificate",
    "SeedMethod",
    "SeedRole",
    "access_denied",
    "throttled",
    "unavailable",
]
