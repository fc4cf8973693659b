// Runs the functions in workerd, each as its environment of wrangler.toml says.
//
// One argument: a JSON file with the port, the path of wrangler.toml, the bindings of the local stack, and, unless that is
// null, the path of a file with other settings (.dev.vars), which win. Ends at SIGINT or SIGTERM.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { parseEnv } from "node:util";
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from "wrangler";

// Miniflare is wrangler's dependency, not ours: the one that wrangler deploys with is the one to run.
const { Miniflare } = createRequire(createRequire(import.meta.url).resolve("wrangler"))("miniflare");

const settings = JSON.parse(readFileSync(process.argv[2], "utf8"));
const overrides = settings.overrides ? parseEnv(readFileSync(settings.overrides, "utf8")) : {};
// A vendor whose key is given is the real one, unless its address is given, too.
const ADDRESSES = {
  ADZUNA_APP_KEY: "ADZUNA_API_URL",
  EMBEDDINGS_API_KEY: "EMBEDDINGS_API_URL",
  JSEARCH_API_KEY: "JSEARCH_API_URL",
  SKYVERN_API_KEY: "SKYVERN_API_URL",
};
for (const [key, address] of Object.entries(ADDRESSES)) {
  if (overrides[key]) delete settings.bindings[address];
}
// Which functions each secret is for. No other one gets it, as where they are deployed.
const secrets = JSON.parse(readFileSync(new URL("secrets.json", import.meta.url), "utf8"));
const CONNECTIONS = "connections";
const environments = unstable_readConfig({ config: settings.wranglerConfiguration }).definedEnvironments;
const root = path.dirname(settings.wranglerConfiguration);

const miniflare = new Miniflare({
  host: "127.0.0.1",
  port: settings.port,
  // GET /cdn-cgi/handler/scheduled?cron=…, with the function's name in MF-Route-Override, does what its cron does.
  unsafeTriggerHandlers: true,
  // What a function prints is one line of the log, as it printed it.
  handleRuntimeStdio: (output, errors) => {
    output.pipe(process.stdout);
    errors.pipe(process.stderr);
  },
  workers: [...environments.map(worker), connections()],
});

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, async () => {
    await miniflare.dispose();
    process.exit(0);
  });
}
await miniflare.ready;

// The worker of one environment.
function worker(environment) {
  const configuration = unstable_readConfig({ config: settings.wranglerConfiguration, env: environment });
  const { workerOptions } = unstable_getMiniflareWorkerOptions(configuration, environment);
  const built = path.resolve(root, path.dirname(configuration.main));
  return {
    ...workerOptions,
    name: configuration.name,
    modulesRoot: built,
    modules: [
      ...clock(built),
      { type: "ESModule", path: path.join(built, "index.js") },
      { type: "CompiledWasm", path: path.join(built, "index_bg.wasm") },
    ],
    bindings: handedTo(environment, { ...workerOptions.bindings, ...settings.bindings, ...overrides }),
    routes: routes(configuration, environment).map(onEveryHost),
    outboundService: { name: CONNECTIONS, props: { function: configuration.name } },
  };
}

// With `"clock": seconds` in the settings, which only tests write: a clock that is so far from the machine's.
function clock(built) {
  if (settings.clock === undefined) return [];
  const contents = `
    import { withClock } from "./clock.mjs";
    import Function from "./index.js";
    export default withClock(Function, ${Number(settings.clock)});
  `;
  const clock = readFileSync(new URL("clock.mjs", import.meta.url), "utf8");
  return [
    { type: "ESModule", path: path.join(built, "with_clock.mjs"), contents },
    { type: "ESModule", path: path.join(built, "clock.mjs"), contents: clock },
  ];
}

// What all of them call the outside through.
function connections() {
  const file = path.join(import.meta.dirname, "connections.mjs");
  return {
    name: CONNECTIONS,
    compatibilityDate: "2026-04-01",
    compatibilityFlags: ["enable_request_signal"],
    modulesRoot: import.meta.dirname,
    modules: [{ type: "ESModule", path: file }],
  };
}

function handedTo(environment, bindings) {
  const isFor = ([name]) => secrets[name]?.includes(environment) ?? true;
  return Object.fromEntries(Object.entries(bindings).filter(isFor));
}

// An internal function has no route where it is deployed. Here its operators and tests reach it, with the service key.
function routes({ route, routes }, environment) {
  const given = [...(routes ?? []), ...(route ? [route] : [])].map((route) => (typeof route === "string" ? route : route.pattern));
  return given.length > 0 ? given : [`internal/functions/v1/${environment}*`];
}

// Here the zone's host is 127.0.0.1; the path alone decides.
function onEveryHost(pattern) {
  return pattern.replace(/^(https?:\/\/)?[^/]+/, "*");
}
