// Invokes a function with supabase-js, as the app does, and prints what the app would get.
//
// One argument, JSON: { url, key, token, function, body, abort_after_ms }.

import { createClient, FunctionsHttpError } from "@supabase/supabase-js";

const input = JSON.parse(process.argv[2]);
// The app's way of signing in with Clerk: the token comes from a callback.
const supabase = createClient(input.url, input.key, {
  accessToken: async () => input.token,
  realtime: { transport: class NoWebSocket {} }, // Node 20 has none, and nothing here subscribes
});
const signal = input.abort_after_ms === undefined ? undefined : AbortSignal.timeout(input.abort_after_ms);
const { data, error } = await supabase.functions.invoke(input.function, { body: input.body, signal });

const isHttpError = error instanceof FunctionsHttpError;
console.log(JSON.stringify({
  data,
  error: error?.name ?? null,
  status: isHttpError ? error.context.status : null,
  problem: isHttpError ? await error.context.json() : null,
}));
