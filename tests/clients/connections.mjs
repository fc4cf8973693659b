// Eight calls at once to a server that is silent, by each of two invocations of a worker, through the local stack's way out.
//
// One argument, JSON: { connections }, the file of that. Prints { first, second }, how many calls of each invocation
// reached the server at once, and { after_giving_up, after_response }: how many of the first had reached it when it gave one
// of them up, and when another had its response.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import path from "node:path";

const { Miniflare } = createRequire(createRequire(import.meta.url).resolve("wrangler"))("miniflare");

const input = JSON.parse(process.argv[2]);
const silent = new Map();
const server = createServer((request, response) => {
  const id = request.headers["x-request-id"];
  silent.set(id, [...(silent.get(id) ?? []), response]);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const caller = `
  export default {
    async fetch(request, env) {
      const id = new URL(request.url).searchParams.get("id");
      const call = (signal) => fetch(env.SERVER, { headers: { "x-request-id": id }, signal }).catch(() => null);
      const first = new AbortController();
      setTimeout(() => first.abort(), 1500);
      const calls = [call(first.signal), ...Array.from({ length: 7 }, () => call())];
      await Promise.all(calls);
      return new Response("done");
    },
  };`;
const miniflare = new Miniflare({
  host: "127.0.0.1",
  workers: [
    {
      name: "caller",
      compatibilityDate: "2026-04-01",
      modulesRoot: "/",
      modules: [{ type: "ESModule", path: "/caller.mjs", contents: caller }],
      bindings: { SERVER: `http://127.0.0.1:${server.address().port}/` },
      outboundService: { name: "connections", props: { function: "caller" } },
    },
    {
      name: "connections",
      compatibilityDate: "2026-04-01",
      compatibilityFlags: ["enable_request_signal"],
      modulesRoot: path.dirname(input.connections),
      modules: [{ type: "ESModule", path: input.connections }],
    },
  ],
});

const url = await miniflare.ready;
const reached = (id) => silent.get(id)?.length ?? 0;
const until = async (holds) => {
  const patience = Date.now() + 15_000;
  while (!holds()) {
    if (Date.now() > patience) throw new Error(`still waiting for ${holds}; one: ${reached("one")}, two: ${reached("two")}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
const invoke = (id) => fetch(new URL(`?id=${id}`, url)).catch(() => null);
const invocations = [invoke("one"), invoke("two")];

await until(() => reached("one") >= 6 && reached("two") >= 6);
const [first, second] = [reached("one"), reached("two")];
await until(() => reached("one") > first);
const afterGivingUp = reached("one");
silent.get("one")[1].end();
await until(() => reached("one") > afterGivingUp);
const afterResponse = reached("one");
console.log(JSON.stringify({ first, second, after_giving_up: afterGivingUp, after_response: afterResponse }));

const drain = setInterval(() => silent.forEach((responses) => responses.forEach((response) => response.end())), 10);
await Promise.all(invocations);
clearInterval(drain);
await miniflare.dispose();
server.close();
