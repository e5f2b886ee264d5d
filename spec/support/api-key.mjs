// API keys as the main server makes them: JWTs, HS256, with the backend's id and an expiry.
import { createHmac, timingSafeEqual } from "node:crypto";

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const sign = (text, secret) => createHmac("sha256", secret).update(text).digest();
const now = () => Math.floor(Date.now() / 1000);

export function makeKey(secret, { id, username = "operator", expiresIn = 30 * 24 * 3600 }) {
  const claims = { _id: id, username, iat: now(), exp: now() + expiresIn };
  const text = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${text}.${sign(text, secret).toString("base64url")}`;
}

/** The claims of a valid key, else null. */
export function readKey(secret, key) {
  if (typeof key !== "string") return null;
  const [head, body, signature, ...rest] = key.split(".");
  if (!signature || rest.length) return null;
  const expected = sign(`${head}.${body}`, secret);
  const given = Buffer.from(signature, "base64url");
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
  const claims = JSON.parse(Buffer.from(body, "base64url").toString());
  return claims.exp > now() ? claims : null;
}
