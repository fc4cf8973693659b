// Mints a token with jose, whose JWTs are not made by the library that reads them.
//
// One argument, JSON: { pem, kid, claims }.

import { importPKCS8, SignJWT } from "jose";
import { readFileSync } from "node:fs";

const input = JSON.parse(process.argv[2]);
const key = await importPKCS8(readFileSync(input.pem, "utf8"), "RS256");
const token = await new SignJWT(input.claims)
  .setProtectedHeader({ alg: "RS256", kid: input.kid, typ: "JWT" })
  .setIssuedAt()
  .setExpirationTime("1m")
  .sign(key);
console.log(JSON.stringify(token));
