// Apache with mod_auth_openidc or mod_auth_mellon, from Debian's packages, in a folder and on
// a port of its own. As root it runs as www-data, as its package would.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { need } from "./needs.js";
import { ca, issuer } from "./tenant.js";

const program = "/usr/sbin/apache2";
const modules = "/usr/lib/apache2/modules";

// skip is given to describe.
export const skip = need("apache2-bin libapache2-mod-auth-openidc libapache2-mod-auth-mellon", program, ...["openidc", "mellon"].map((name) => `${modules}/mod_auth_${name}.so`));

// freePort returns a port that nobody listens on now.
export async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

// start serves pages, by name, at http://localhost:port; those below /protected/ are for
// whom guard lets in: openidc or mellon. access is more of Apache's configuration.
export async function start(port, guard, pages, access = "") {
  const folder = await mkdtemp(path.join(tmpdir(), "postern-conformance-"));
  await chmod(folder, 0o755);
  await copyFile(ca, path.join(folder, "ca.pem"));
  await chmod(path.join(folder, "ca.pem"), 0o644);
  await mkdir(path.join(folder, "pages", "protected"), { recursive: true });
  for (const [name, text] of Object.entries(pages)) {
    await writeFile(path.join(folder, "pages", name), text);
  }
  for (const [name, text] of Object.entries(guard.files ?? {})) {
    await writeFile(path.join(folder, name), text);
  }
  await writeFile(path.join(folder, "apache.conf"), configuration(folder, port, guard, access));
  const server = spawn(program, ["-f", path.join(folder, "apache.conf"), "-DFOREGROUND"], { stdio: ["ignore", "ignore", "inherit"] });
  const ended = once(server, "exit");
  const log = () => readFile(path.join(folder, "error.log"), "utf8");
  while (!(await answers(port))) {
    if (server.exitCode !== null) {
      throw new Error(`Apache did not start:\n${await log()}`);
    }
  }
  return {
    log,
    async stop() {
      server.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

function answers(port) {
  return new Promise((done) => {
    const socket = createConnection(port, "127.0.0.1", () => done(true));
    socket.on("error", () => done(false));
    socket.on("close", () => socket.destroy());
    socket.on("connect", () => socket.end());
  });
}

function configuration(folder, port, guard, access) {
  const load = ["mpm_event", "authn_core", "authz_core", "authz_user", "mime", "include", ...guard.modules];
  return `
${load.map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`).join("\n")}
${process.getuid() === 0 ? "User www-data\nGroup www-data" : ""}
ServerRoot ${folder}
DefaultRuntimeDir ${folder}
PidFile ${folder}/pid
ErrorLog ${folder}/error.log
ServerName localhost
Listen 127.0.0.1:${port}
StartServers 1
TypesConfig /dev/null
AddType text/html .html
AddOutputFilter INCLUDES .html
DocumentRoot ${folder}/pages
<Directory ${folder}/pages>
  Options +Includes
  Require all granted
</Directory>

${guard.configure(folder, port)}
${access}
`;
}

// openidc lets people in by OpenID Connect, as app.
export function openidc(app) {
  const configure = (folder, port) => `
OIDCProviderMetadataURL ${issuer}/.well-known/openid-configuration
OIDCCABundlePath ${folder}/ca.pem
OIDCClientID ${app.id}
OIDCClientSecret ${app.secret}
OIDCRedirectURI http://localhost:${port}/protected/back
OIDCCryptoPassphrase ${crypto.randomUUID()}
OIDCScope "openid profile email"
OIDCPKCEMethod S256
OIDCRemoteUserClaim preferred_username
<Location /protected/>
  AuthType openid-connect
  Require valid-user
</Location>
`;
  return { modules: ["auth_openidc"], configure };
}

// mellon lets people in by SAML, with a key of lib/certificate.js and the metadata of Postern.
export function mellon(key, metadata) {
  const configure = (folder) => `
<Location />
  MellonEnable info
  MellonEndpointPath /mellon
  MellonSPPrivateKeyFile ${folder}/key.pem
  MellonSPCertFile ${folder}/cert.pem
  MellonIdPMetadataFile ${folder}/idp.xml
  MellonSignatureMethod rsa-sha256
  MellonSecureCookie secure
  MellonCookieSameSite none
  MellonUser http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name
  MellonSetEnvNoPrefix OID http://schemas.microsoft.com/identity/claims/objectidentifier
  MellonSetEnvNoPrefix TID http://schemas.microsoft.com/identity/claims/tenantid
</Location>
<Location /protected/>
  AuthType Mellon
  MellonEnable auth
  Require valid-user
</Location>
`;
  const files = { "key.pem": key.privateKey, "cert.pem": key.certPEM, "idp.xml": metadata };
  return { modules: ["auth_mellon"], files, configure };
}
