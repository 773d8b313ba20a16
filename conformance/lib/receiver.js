// The address of an application to which the browser comes back.
import { once } from "node:events";
import { createServer } from "node:http";

// listen starts a web server on a loopback port. The result has url and the functions next,
// which resolves with the address and the body of the next answer to a request, and stop.
export async function listen() {
  const waiting = [];
  const came = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) {
      body += part;
    }
    response.setHeader("Content-Type", "text/html");
    response.end("<!doctype html><title>Application</title><main data-step=application>You are back.</main>");
    const address = new URL(request.url, url);
    const form = new URLSearchParams(body);
    if (address.searchParams.has("iss") || form.has("iss")) {
      const answer = { method: request.method, url: address, form };
      waiting.length > 0 ? waiting.shift()(answer) : came.push(answer);
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://localhost:${server.address().port}`;
  return {
    url,
    callback: `${url}/callback`,
    next: () => (came.length > 0 ? Promise.resolve(came.shift()) : new Promise((done) => waiting.push(done))),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
