// Invokes a function with supabase-js, as the app does, and prints what the app would get.
//
// One argument, JSON: { url, key, token, function, body, abort_after_ms }.

import { createClient, FunctionsHttpError } from "@supabase/supabase-js";

const wish = JSON.parse(process.argv[2]);
// The app's way of signing in with Clerk: the token comes from a callback.
const supabase = createClient(wish.url, wish.key, {
  accessToken: async () => wish.token,
  realtime: { transport: class NoWebSocket {} }, // Node 20 has none, and nothing here subscribes
});
const signal = wish.abort_after_ms === undefined ? undefined : AbortSignal.timeout(wish.abort_after_ms);
const { data, error } = await supabase.functions.invoke(wish.function, { body: wish.body, signal });

const isHttpError = error instanceof FunctionsHttpError;
console.log(JSON.stringify({
  data,
  error: error?.name ?? null,
  status: isHttpError ? error.context.status : null,
  problem: isHttpError ? await error.context.json() : null,
}));
