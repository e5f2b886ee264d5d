// What a hostile main server might send: random bytes, valid packets, and valid packets that were damaged. A case is the
// list of its frames: a string or `text(bytes)` goes out as a text frame, a Buffer as a binary one.

const COMMANDS = ["create-container", "start-container", "stop-container", "delete-container", "list-containers",
  "container-status", "container-logs", "check_if_container_exists", "check_if_container_running", "start_container",
  "stop_container", "resume_container", "delete_container"];
const FIELDS = ["username", "USERNAME", "containerId", "sshPublicKey", "SSH_PUB_KEY", "startingPort", "startingPortNo", "tail"];
const RESERVED = ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];
const NAMES = [...RESERVED, ...COMMANDS, "command-error", "__proto__", "__index", "__gc", "constructor", "", " ", "..", "../../etc/passwd",
  "a\u0000b", "a\nb", "\u001b[2J", "\u202e", "%s%n%99999d", "$(reboot)", "'; rm -rf /;'", "nobody-here", "dockhost-x00", "ä".repeat(60),
  "x".repeat(129), "x".repeat(2000), "\ufeff", "\ud800", "\udc00\ud800"];
const NUMBERS = ["0", "-0", "-1", "1", "65536", "1e308", "1E+2", "0.1", "9007199254740993", "9223372036854775808", `0.${"3".repeat(400)}`];
const BAD_NUMBERS = ["1e309", "-1e400", "9".repeat(400), `1e${"9".repeat(30)}`, "NaN", "Infinity", "0x10", "01", "+1", ".5", "1."];
const ODD = ["{}", "[]", "null", "true", "false", '""', "[[]]", '{"":0}', '{"a":{"b":[null]}}', '{"_placeholder":true,"num":0}',
  '{"_placeholder":true,"num":-1}', '{"_placeholder":true,"num":1e300}', '"\\ud800"', '"\\udfff\\ud83d"', '"\\u0000"', '"\\q"'];

/** The bytes as a text frame, whatever they are. */
export const text = (bytes) => ({ text: bytes });

const deep = (random) => {
  const depth = random.pick([10, 99, 101, 1000, 5000, 100000]);
  return random.chance(0.5) ? "[".repeat(depth) + "]".repeat(depth) : '{"a":'.repeat(depth) + "1" + "}".repeat(depth);
};

const value = (random) => random.weighted({ name: 4, number: 3, odd: 3, deep: 0.02, long: 0.02, hex: 1 });
const VALUES = {
  name: (random) => JSON.stringify(random.pick(NAMES)),
  number: (random) => random.pick(NUMBERS),
  odd: (random) => random.pick(ODD.slice(0, -1)),
  deep,
  long: (random) => JSON.stringify(random.pick(["x", "\\", "\u0001", "ü"]).repeat(random.between(1000, 100000))),
  hex: (random) => `"${random.bytes(random.pick([6, 32])).toString("hex")}"`,
};
const anyValue = (random) => VALUES[value(random)](random);

function payload(random) {
  if (random.chance(0.1)) return anyValue(random);
  const fields = Array.from({ length: random.below(5) }, () => `${JSON.stringify(random.pick(FIELDS))}:${anyValue(random)}`);
  return `{${fields.join(",")}}`;
}

const id = (random) => random.pick(["", "", "0", "1", "999999999999999", "9999999999999999", "-1", "1.5"]);
const namespace = (random) => random.pick(["", "", "", "/other,", "/,", "/", "/?a=1,", `/${"n".repeat(300)},`]);

/** A well-formed event to a real command, in which any field may hold anything. */
export const command = (random) => `["${random.pick(COMMANDS)}",${payload(random)}]`;

const valid = (random) => random.pick([
  "2", "3", "6", "5", "2probe", "3probe",
  `42${command(random)}`, `42${random.below(1000)}${command(random)}`, `42/other,${command(random)}`,
  `42["nobody-listens",${anyValue(random)}]`, `43${random.below(5)}[${anyValue(random)}]`, `42[${random.below(99)},1]`,
  '40{"sid":"again"}', "41", "41/other,", '44{"message":"no"}', '0{"sid":"x","pingInterval":1,"pingTimeout":1}', "1",
]);

const DAMAGE = {
  flip(random, bytes) {
    const damaged = Buffer.from(bytes);
    for (let n = random.between(1, 4); n > 0 && damaged.length; n--) damaged[random.below(damaged.length)] ^= 1 << random.below(8);
    return damaged;
  },
  cut: (random, bytes) => bytes.subarray(0, random.below(bytes.length + 1)),
  behead: (random, bytes) => bytes.subarray(random.below(bytes.length + 1)),
  repeat: (random, bytes) => Buffer.concat(Array(random.between(2, 20)).fill(bytes)),
  insert(random, bytes) {
    const at = random.below(bytes.length + 1);
    const piece = random.pick(["[", "]", "{", "}", ",", ":", '"', "\\", "-", "/", "\u0000", "\\u", random.pick(BAD_NUMBERS), random.pick(ODD)]);
    return Buffer.concat([bytes.subarray(0, at), Buffer.from(piece), bytes.subarray(at)]);
  },
  splice(random, bytes) {
    const other = Buffer.from(valid(random));
    return Buffer.concat([bytes.subarray(0, random.below(bytes.length + 1)), other.subarray(random.below(other.length + 1))]);
  },
  invalid(random, bytes) {
    const at = random.below(bytes.length + 1);
    const piece = random.pick(["eda080", "c0af", "ff", "f4908080", "e28f", "80"]);
    return Buffer.concat([bytes.subarray(0, at), Buffer.from(piece, "hex"), bytes.subarray(at)]);
  },
};

function binary(random) {
  const count = random.pick(["0", "1", "2", "3", "10", "11", "1000", "99999999999999999999", "", "-1"]);
  const holders = random.pick(["0", "1", "-1", "0.5", "1e99", '"0"', "null"]);
  const data = `["${random.pick(COMMANDS)}",{"username":{"_placeholder":true,"num":${holders}}}]`;
  const attachments = Array.from({ length: random.below(4) }, () => random.bytes(random.below(50)));
  return [`4${random.pick(["5", "5", "6"])}${count}-${namespace(random)}${id(random)}${data}`, ...attachments];
}

const KINDS = {
  command: (random) => [`42${command(random)}`],
  elsewhere: (random) => [`4${random.pick(["0", "1", "2", "3", "4"])}/elsewhere,${random.pick(["", "0"])}${command(random)}`],
  unknown: (random) => [`42[${JSON.stringify(random.pick(NAMES.slice(RESERVED.length + COMMANDS.length)))},${anyValue(random)}]`],
  acknowledged: (random) => [`43${random.below(1e6)}[${anyValue(random)}]`],
  idle: (random) => [random.pick(["2", "3", "6", "5"]) + random.pick(["", "probe", "x".repeat(1000)])],
  damaged: (random) => [text(DAMAGE[random.pick(Object.keys(DAMAGE))](random, Buffer.from(valid(random))))],
  noise: (random) => [random.chance(0.8) ? text(random.bytes(random.below(64))) : random.bytes(random.below(64))],
  typed: (random) => [text(Buffer.concat([Buffer.from(random.pick(["4", "42", "43", "45", "0", "40"])), random.bytes(random.below(32))]))],
  headed: (random) => [`4${random.below(10)}${namespace(random)}${id(random)}${command(random)}`],
  reserved: (random) => [`42[${JSON.stringify(random.pick(RESERVED))},${payload(random)}]`],
  numbers: (random) => [`42["stop-container",{"username":${random.pick(random.chance(0.7) ? NUMBERS : BAD_NUMBERS)},"${random.pick(FIELDS)}":${random.pick(ODD)}}]`],
  deep: (random) => [`42["list-containers",${deep(random)}]`],
  empty: (random) => [random.chance(0.5) ? "" : Buffer.alloc(0)],
  binary,
};
// What mostly leaves the connection up is sent more often: the rest costs a connection each.
const WEIGHTS = { command: 60, elsewhere: 8, unknown: 10, acknowledged: 6, idle: 6, damaged: 4, noise: 1, typed: 1, headed: 1, reserved: 0.5,
  numbers: 2, deep: 0.3, empty: 0.3, binary: 1.5 };

/** One case: the list of its frames. */
export const hostile = (random) => KINDS[random.weighted(WEIGHTS)](random);

const good = { sid: "s", upgrades: [], pingInterval: 300000, pingTimeout: 300000, maxPayload: 1000000 };

/** Frames in place of the handshake. */
export function hostileHandshake(random) {
  if (random.chance(0.3)) return hostile(random);
  const changed = { ...good };
  changed[random.pick(Object.keys(good))] = JSON.parse(random.pick(ODD.slice(0, 9)));
  const open = `0${JSON.stringify(random.chance(0.3) ? good : changed)}`;
  const damaged = text(DAMAGE[random.pick(Object.keys(DAMAGE))](random, Buffer.from(open)));
  return [random.chance(0.5) ? open : damaged, ...(random.chance(0.6) ? hostile(random) : [])];
}
