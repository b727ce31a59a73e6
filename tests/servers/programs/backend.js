"use strict";
// Servers of Node: one for each three arguments, a port, `plain` or `kit`, and a bundle or a kit's folder.
const https = require("node:https");
const { readFileSync } = require("node:fs");

const [folder, ...rest] = process.argv.slice(2);
const key = readFileSync(`${folder}/server.key`);
const cert = readFileSync(`${folder}/server.pem`);
const answer = (request, response) => response.end("ok");

for (let at = 0; at < rest.length; at += 3) {
  const [port, kind, trust] = rest.slice(at, at + 3);
  let server;
  if (kind === "kit") {
    const { guard, options } = require(`${trust}/gateway-trust.js`);
    server = guard(https.createServer({ key, cert, ...options }, answer), `${trust}/trust.pem`);
  } else {
    const ca = readFileSync(trust, "utf8").match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g);
    const asked = { requestCert: true, rejectUnauthorized: true, allowPartialTrustChain: true };
    server = https.createServer({ key, cert, ca, ...asked }, answer);
  }
  server.listen(Number(port), "127.0.0.1");
}
