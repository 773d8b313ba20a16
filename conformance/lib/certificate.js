// Certificates: by which an application proves itself, and of a server that Postern calls.
import { execFile } from "node:child_process";
import { createHash, webcrypto, X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import https from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { need } from "./needs.js";
import { ca } from "./tenant.js";

// skip is given to each describe that makes certificates.
export const skip = need("openssl", "openssl");

const run = promisify(execFile);

// certificate makes a self-signed one with an RSA key: pem has both, privateKey the key
// alone, key is the same for WebCrypto with algorithm, thumbprint and thumbprintSha256
// are its SHA-256 in base64url and in hexadecimal digits, and credential is what Graph's keyCredentials take.
export async function certificate(algorithm = "PS256") {
  const folder = await mkdtemp(path.join(tmpdir(), "postern-conformance-"));
  const [keyFile, certFile] = [path.join(folder, "key.pem"), path.join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=conformance", "-days", "30"];
  await run("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", keyFile, "-out", certFile, ...subject]);
  const [privateKey, certPEM] = await Promise.all([readFile(keyFile, "utf8"), readFile(certFile, "utf8")]);
  await rm(folder, { recursive: true });
  const der = new X509Certificate(certPEM).raw;
  const pkcs8 = Buffer.from(privateKey.replace(/-----[^-]+-----/g, ""), "base64");
  const name = { PS256: "RSA-PSS", RS256: "RSASSA-PKCS1-v1_5" }[algorithm];
  return {
    pem: privateKey + certPEM,
    privateKey,
    certPEM,
    key: await webcrypto.subtle.importKey("pkcs8", pkcs8, { name, hash: "SHA-256" }, false, ["sign"]),
    thumbprint: createHash("sha256").update(der).digest("base64url"),
    thumbprintSha256: createHash("sha256").update(der).digest("hex"),
    credential: { type: "AsymmetricX509Cert", usage: "Verify", displayName: "test", key: der.toString("base64") },
  };
}

// serve starts an HTTPS server whose certificate is of the CA that all here trust.
export async function serve(handler) {
  const folder = await mkdtemp(path.join(tmpdir(), "postern-conformance-"));
  const file = (name) => path.join(folder, name);
  const key = ["-newkey", "rsa:2048", "-nodes", "-keyout", file("key.pem")];
  await run("openssl", ["req", "-x509", ...key, "-CA", ca, "-CAkey", ca.replace(/\.pem$/, ".key"), "-out", file("cert.pem"), "-days", "2",
    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"]);
  const server = https.createServer({ key: await readFile(file("key.pem")), cert: await readFile(file("cert.pem")) }, (...each) => handler(...each));
  await rm(folder, { recursive: true });
  await new Promise((done) => server.listen(0, "localhost", done));
  return server;
}
