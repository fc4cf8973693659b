// Sends one webhook as Svix does, signed by Svix's own library. One argument: {target, secret, id, body} as JSON. Prints the
// answer's status and body as JSON.

import { Webhook } from "svix";

const { target, secret, id, body } = JSON.parse(process.argv[2]);
const now = new Date();
const response = await fetch(target, {
  method: "POST",
  headers: {
    "content-type": "application/json",
    "svix-id": id,
    "svix-timestamp": String(Math.floor(now.getTime() / 1000)),
    "svix-signature": new Webhook(secret).sign(id, now, body),
  },
  body,
});
console.log(JSON.stringify({ status: response.status, body: await response.json() }));
