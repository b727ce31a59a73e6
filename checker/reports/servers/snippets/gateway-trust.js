"use strict";
// Trust the client certificates of API Gateway in a PEM file, and no other.
const { X509Certificate } = require("node:crypto");
const { readFileSync } = require("node:fs");

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

// For https.createServer. The handshake proves that the caller has the key; guard() decides.
exports.options = { requestCert: true, rejectUnauthorized: false };

exports.guard = (server, trust = "trust.pem") => {
  const pems = readFileSync(trust, "utf8").match(PEM);
  const pins = new Set(pems.map((pem) => new X509Certificate(pem).fingerprint256));
  return server.on("secureConnection", (socket) => {
    const peer = socket.getPeerCertificate();
    const now = Date.now();
    const current = Date.parse(peer.valid_from) <= now && now < Date.parse(peer.valid_to);
    if (!pins.has(peer.fingerprint256) || !current) socket.destroy();
  });
};
