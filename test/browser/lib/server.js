// Runs the real program in a folder of its own.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import https from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import readline from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const binary = process.env.POSTERN_TEST_BINARY ?? fileURLToPath(new URL("../../../bin/postern", import.meta.url));
const run = promisify(execFile);

// start creates the tenant of a domain and serves it. The result has url, name (the administrator’s), tenant (its id),
// once (a pass for one use), ca (the file of its certificate), and the functions cli, person, pass and stop.
export async function start(domain = "contoso.example") {
  const folder = await mkdtemp(path.join(tmpdir(), "postern-browser-"));
  const data = path.join(folder, "data");
  const created = await postern("init", "--data", data, "--domain", domain, "--enable-tap", "--app", "test");
  const port = await freePort();
  const url = `https://localhost:${port}`;
  const server = spawn(binary, ["serve", "--data", data, "--listen", `127.0.0.1:${port}`, "--public-url", url], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(server, "exit");
  await logged(server, "ready");
  await answers(`${url}/readyz`, await readFile(created.caCertificate));
  const name = created.adminUserPrincipalName;
  const environment = {
    ...process.env,
    POSTERN_SERVER: url,
    POSTERN_CA: created.caCertificate,
    POSTERN_TENANT: created.tenantId,
    POSTERN_CLIENT_ID: created.clientId,
    POSTERN_CLIENT_SECRET: created.clientSecret,
  };
  const cli = (...args) => run(binary, args, { env: environment });
  return {
    url,
    name,
    tenant: created.tenantId,
    once: created.temporaryAccessPass,
    ca: created.caCertificate,

    // cli runs a command of an administrator.
    cli,

    // person creates somebody, and returns their name and a pass for many uses.
    async person(account) {
      const name = `${account}@${domain}`;
      await cli("user", "create", name);
      return { name, pass: (await cli("tap", "issue", name)).stdout.trim() };
    },

    // pass gives the administrator a pass for many uses. It ends the one before, with all
    // sessions that came from it.
    async pass() {
      return (await postern("recover", "--data", data, "--upn", name, "--multi")).temporaryAccessPass;
    },

    // stop drains the server and removes its folder.
    async stop() {
      server.kill("SIGTERM");
      const [code] = await ended;
      await rm(folder, { recursive: true });
      if (code !== 0) {
        throw new Error(`the server ended with ${code}`);
      }
    },
  };
}

// startDev runs `postern dev`, with environment beside that of this process. The result is what it
// prints, and the function stop.
export async function startDev(environment = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), "postern-browser-"));
  const dev = spawn(binary, ["dev", "--data", path.join(folder, "data"), "--listen", "127.0.0.1:0", "--json"], {
    stdio: ["ignore", "pipe", "ignore"], env: { ...process.env, ...environment },
  });
  const ended = once(dev, "exit");
  const [line] = await Promise.race([
    once(readline.createInterface(dev.stdout), "line"),
    ended.then(([code]) => Promise.reject(new Error(`postern dev ended with ${code}`))),
  ]);
  return {
    ...JSON.parse(line),

    // stop drains the server and removes its folder.
    async stop() {
      dev.kill("SIGTERM");
      const [code] = await ended;
      await rm(folder, { recursive: true });
      if (code !== 0) {
        throw new Error(`postern dev ended with ${code}`);
      }
    },
  };
}

async function postern(...args) {
  const { stdout } = await run(binary, [...args, "--json"]);
  return JSON.parse(stdout);
}

async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

// logged returns once the server has logged the message, and goes on reading its log.
function logged(server, message) {
  const lines = [];
  return new Promise((done, fail) => {
    server.once("error", fail);
    server.once("exit", () => fail(new Error(`the server did not start:\n${lines.join("\n")}`)));
    readline.createInterface(server.stderr).on("line", (line) => {
      lines.push(line);
      if (line.includes(`"msg":"${message}"`)) {
        done();
      }
    });
  });
}

async function answers(url, ca) {
  const [response] = await once(https.get(url, { ca, agent: false }), "response");
  response.resume();
  if (response.statusCode !== 200) {
    throw new Error(`${url} answers ${response.statusCode}`);
  }
}
