"""Web servers and proxies: nginx, HAProxy, Apache httpd, Envoy, Caddy."""

from __future__ import annotations

from base64 import b64encode

from checker.reports.servers.kit import Kit, Pin, ServerFile, commented, pins_file, trust_file

_RUN = (
    "tfcert's tests run these files with {}: it accepts these certificates and no other. "
    "docs/trust.md of tfcert has the results."
)
_LUA = """\
function envoy_on_request(handle)
  local peer = handle:streamInfo():downstreamSslConnection()
  if peer == nil or peer:expirationPeerCertificate() < os.time() then
    handle:respond({[":status"] = "403"}, "")
  end
end
"""


def nginx(pins: tuple[Pin, ...]) -> Kit:
    """Write a map of fingerprints: nginx has no partial-chain verification.

    `optional_no_ca` ignores only the errors of an unknown issuer. nginx still answers 400 to a
    certificate that has ended. Source: nginx, `ngx_ssl_verify_error_optional`.
    """
    known = commented(pins, lambda each: f"{each.sha1} 1;", indent="    ")
    return Kit(
        files=(
            ServerFile(
                name="tfcert-map.conf",
                text=(
                    f"map $ssl_client_fingerprint $tfcert_trusted {{\n    default 0;\n{known}}}\n"
                ),
                language="nginx",
                place="Include it inside `http { }`.",
            ),
            ServerFile(
                name="tfcert-server.conf",
                text=(
                    "# The handshake proves that the caller has the key.\n"
                    "ssl_verify_client optional_no_ca;\n"
                    "if ($tfcert_trusted = 0) {\n    return 403;\n}\n"
                ),
                language="nginx",
                place="Include it inside each `server { }` that API Gateway calls, in place of "
                "`ssl_verify_client` and `ssl_client_certificate`.",
            ),
        ),
        reload="nginx -t && nginx -s reload",
        notes=("nginx refuses a certificate after its end, with status 400.",),
        evidence=_RUN.format("nginx"),
    )


def haproxy(pins: tuple[Pin, ...]) -> Kit:
    """Write a list of SHA-256: the certificate is compared where the chain cannot be built.

    Error 18 is X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT. No other error is ignored, so that a
    certificate that has ended is refused.
    """
    folder = "/etc/haproxy"
    return Kit(
        files=(
            trust_file(pins, place=f"Copy it to `{folder}/trust.pem`."),
            pins_file(pins, place=f"Copy it to `{folder}/tfcert-pins.txt`."),
            ServerFile(
                name="tfcert-frontend.cfg",
                text=(
                    f"    bind :443 ssl crt {folder}/server.pem ca-file {folder}/trust.pem "
                    "verify required crt-ignore-err 18\n"
                    "    http-request deny unless "
                    f"{{ ssl_c_der,sha2(256),hex,lower -m str -f {folder}/tfcert-pins.txt }}\n"
                ),
                language="haproxy",
                place="Put these lines into the `frontend` that API Gateway calls, with your own "
                "address and `crt`. Never write one line without the other.",
            ),
        ),
        reload="haproxy -c -f /etc/haproxy/haproxy.cfg && systemctl reload haproxy",
        notes=("HAProxy refuses a certificate after its end, in the handshake.",),
        evidence=_RUN.format("HAProxy"),
    )


def apache(pins: tuple[Pin, ...]) -> Kit:
    """Write the SHA-1 of each PEM: expressions have this hash, and the PEM as a variable.

    `<If>` is merged after every other section, so that no `Require` of a `<Location>` overrides
    it. Source: Apache httpd 2.4, "How the sections are merged".
    """
    from hashlib import sha1

    hashes = (sha1(each.pem.encode(), usedforsecurity=False).hexdigest() for each in pins)
    condition = " && ".join(f"sha1(%{{SSL_CLIENT_CERT}}) != '{each}'" for each in hashes)
    comments = "".join(f"# {each.about}\n" for each in pins)
    return Kit(
        files=(
            ServerFile(
                name="tfcert.conf",
                text=(
                    "# The handshake proves that the caller has the key.\n"
                    "SSLVerifyClient optional_no_ca\n"
                    f"{comments}"
                    f'<If "{condition}">\n    Require all denied\n</If>\n'
                ),
                language="apache",
                place="Include it inside each `<VirtualHost>` that API Gateway calls, in place of "
                "`SSLVerifyClient` and `SSLCACertificateFile`.",
            ),
        ),
        reload="apachectl configtest && apachectl graceful",
        notes=(
            "Apache httpd refuses a certificate after its end, in the handshake.",
            "The hash is that of the PEM, as mod_ssl writes it in `SSL_CLIENT_CERT`.",
        ),
        evidence=_RUN.format("Apache httpd"),
    )


def envoy(pins: tuple[Pin, ...]) -> Kit:
    """Write the hashes, and a Lua filter for the end date, which hashes do not check."""
    hashes = commented(pins, lambda each: f'- "{each.sha256}"', indent="      ")
    lua = "".join(f"      {line}\n" for line in _LUA.splitlines())
    return Kit(
        files=(
            ServerFile(
                name="tfcert-tls.yaml",
                text=(
                    "require_client_certificate: true\n"
                    "common_tls_context:\n"
                    "  validation_context:\n"
                    f"    verify_certificate_hash:\n{hashes}"
                ),
                language="yaml",
                place="Merge it into the `DownstreamTlsContext` of the listener. "
                "Take `trusted_ca` out: with it, Envoy accepts only the first certificate.",
            ),
            ServerFile(
                name="tfcert-filter.yaml",
                text=(
                    "name: envoy.filters.http.lua\n"
                    "typed_config:\n"
                    '  "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua\n'
                    "  default_source_code:\n"
                    f"    inline_string: |\n{lua}"
                ),
                language="yaml",
                place="Make it the first of the `http_filters`. "
                "`verify_certificate_hash` alone lets a certificate in after its end.",
            ),
        ),
        reload="envoy --mode validate -c envoy.yaml",
        notes=(
            "Envoy reads its bootstrap file at start: restart it after each change.",
            "The Lua filter answers 403 to a certificate after its end.",
        ),
        evidence=_RUN.format("Envoy"),
    )


def caddy(pins: tuple[Pin, ...]) -> Kit:
    """Write each certificate in a directive of its own.

    Caddy 2.6 reads only the first certificate of a `trusted_ca_cert_file`.
    """
    known = commented(
        pins, lambda each: f"trusted_ca_cert {b64encode(each.der).decode('ascii')}", indent="\t"
    )
    return Kit(
        files=(
            ServerFile(
                name="tfcert.caddyfile",
                text=f"client_auth {{\n\tmode require_and_verify\n{known}}}\n",
                language="text",
                place="Import it inside the block of the site's `tls` directive: "
                "`tls CERT KEY { import /etc/caddy/tfcert.caddyfile }`.",
            ),
        ),
        reload="caddy validate --config /etc/caddy/Caddyfile && "
        "caddy reload --config /etc/caddy/Caddyfile",
        notes=(
            "Caddy refuses a certificate after its end, in the handshake.",
            "Do not use one `trusted_ca_cert_file` for both: Caddy 2.6 reads only its first PEM.",
            "Caddy 2.11 warns that `trusted_ca_cert` is deprecated, and accepts it.",
        ),
        evidence=_RUN.format("Caddy"),
    )
