// Checks public keys and user names as the node does (lib/dockhost/sshkey.lua, username.lua), so that a person sees
// what is wrong while typing. The node checks again.

const LONGEST = 16 * 1024;
const EXPECTED = 'expected a line like "ssh-ed25519 AAAA… name"';
const DAMAGED = "the key is cut short or damaged: copy the whole line";
const encoder = new TextEncoder();
const ascii = (bytes) => String.fromCharCode(...bytes);

const isPoint = (bytes) => bytes.length === 32;

function bitLength(bytes) {
  const first = bytes.findIndex((byte) => byte > 0);
  return first === -1 ? 0 : (bytes.length - first) * 8 - (Math.clz32(bytes[first]) - 24);
}

const isPositive = (bytes) => bytes.length > 0 && bytes[0] < 0x80 && bitLength(bytes) > 0;

function checkRsa(e, n) {
  if (!isPositive(e) || !isPositive(n)) return DAMAGED;
  const bits = bitLength(n);
  if (bits < 1024) return "the RSA key has fewer than 1024 bits: make a new key";
  return bits <= 16384 ? null : DAMAGED;
}

// Points are uncompressed: 4, x, y.
function isCurve(curve, size, name, point) {
  return ascii(name) === curve && point.length === 1 + 2 * size && point[0] === 4;
}

const sound = (yes) => (yes ? null : DAMAGED);
const ecdsa = (curve, size) => ({ fields: 2, check: (name, point) => sound(isCurve(curve, size, name, point)) });

const TYPES = new Map(Object.entries({
  "ssh-ed25519": { fields: 1, check: (point) => sound(isPoint(point)) },
  "ssh-rsa": { fields: 2, check: checkRsa },
  "ecdsa-sha2-nistp256": ecdsa("nistp256", 32),
  "ecdsa-sha2-nistp384": ecdsa("nistp384", 48),
  "ecdsa-sha2-nistp521": ecdsa("nistp521", 66),
  "sk-ssh-ed25519@openssh.com": { fields: 2, check: (point, application) => sound(isPoint(point) && application.length) },
  "sk-ecdsa-sha2-nistp256@openssh.com": {
    fields: 3,
    check: (name, point, application) => sound(isCurve("nistp256", 32, name, point) && application.length),
  },
}));

function decode(encoded) {
  if (encoded.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return null;
  const blob = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0));
  return btoa(ascii(blob)) === encoded ? blob : null;
}

// The length-prefixed strings that fill the blob exactly.
function fieldsOf(blob) {
  const view = new DataView(blob.buffer);
  const fields = [];
  let at = 0;
  while (at < blob.length) {
    if (fields.length === 4 || blob.length - at < 4) return null;
    const length = view.getUint32(at);
    if (length > blob.length - at - 4) return null;
    fields.push(blob.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return fields;
}

function checkBlob(type, encoded) {
  const blob = decode(encoded);
  if (!blob) return "the key's base64 is damaged: copy the whole line";
  const fields = fieldsOf(blob);
  if (!fields) return DAMAGED;
  const [name, ...rest] = fields;
  if (ascii(name) !== type) return "the key is not of the type that the line names";
  const rule = TYPES.get(type);
  return rest.length === rule.fields ? rule.check(...rest) : DAMAGED;
}

function explainType(line) {
  const words = line.split(/[ \t]+/);
  if (words[0] === "ssh-dss") return "ssh-dss keys are obsolete: make a new key with ssh-keygen -t ed25519";
  if (/-cert-v\d+@openssh\.com$/.test(words[0])) return "a certificate is not a key: send the .pub file of the key";
  if (words.some((word) => TYPES.has(word) || word === "ssh-dss")) return "options before the key type are not allowed";
  return `not an OpenSSH public key of a known type: ${EXPECTED}`;
}

function explainFormat(text) {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY/.test(text) || text.startsWith("PuTTY-User-Key-File")) {
    return "this is a private key: send the .pub file";
  }
  return /---- ?BEGIN /.test(text) ? "this is not OpenSSH's format: convert it with ssh-keygen -i" : null;
}

const trim = (line) => line.replace(/^[ \t\v\f\r]+|[ \t\v\f\r]+$/g, "");

function checkLine(line) {
  const [, type, encoded, comment] = /^([^ \t]+)(?:[ \t]+([^ \t]+))?[ \t]*([^]*)$/.exec(line);
  if (!TYPES.has(type)) return { problem: explainType(line) };
  if (!encoded) return { problem: `the key itself is missing after its type: ${EXPECTED}` };
  const problem = checkBlob(type, encoded);
  return problem ? { problem } : { type, comment };
}

/** One or more public keys, one a line: `{ keys: [{ type, comment }] }` or `{ problem }`. */
export function checkKeys(text) {
  if (encoder.encode(text).length > LONGEST) return { problem: "the SSH public keys are longer than 16 KiB" };
  text = text.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n").replace(/\r$/, "");
  if (/[\0-\x08\x0B-\x1F\x7F-\x9F]/.test(text)) return { problem: "the SSH public key has control characters" };
  const foreign = explainFormat(text);
  if (foreign) return { problem: foreign };
  const keys = [];
  const lines = text.split("\n").map(trim);
  for (const [index, line] of lines.entries()) {
    if (!line || line.startsWith("#")) continue;
    const { problem, ...key } = checkLine(line);
    if (problem) return { problem: lines.length > 1 ? `line ${index + 1}: ${problem}` : problem };
    keys.push(key);
  }
  return keys.length ? { keys } : { problem: `there is no SSH public key in it: ${EXPECTED}` };
}

const RESERVED = ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/** What is wrong with a user name, or null. */
export function checkUser(name) {
  if (name === "") return "the user name is empty";
  if (encoder.encode(name).length > 128) return "the user name is longer than 128 bytes";
  if (/[\0-\x1F\x7F-\x9F]/.test(name)) return "the user name has control characters";
  return RESERVED.includes(name) ? "the user name is reserved by Socket.IO: choose another" : null;
}

/** What is wrong with a port that was typed, or null; none is right too. */
export function checkPort(text) {
  const good = text === "" || (/^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65535);
  return good ? null : "must be a number from 1 to 65535";
}
