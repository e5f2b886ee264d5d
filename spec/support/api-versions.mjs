// The real Docker as if it were of another version: a rule for ScriptedDocker that takes calls in the versions of a range,
// refuses others in the daemon's own words, and lets the daemon do them in the one that it knows.
const REAL = "1.41";

const number = (version) => version.split(".").reduce((sum, part) => sum * 1000 + Number(part), 0);

function refusal(version, { newest, oldest }) {
  if (number(version) < number(oldest)) {
    return `client version ${version} is too old. Minimum supported API version is ${oldest}, please upgrade your client to`
      + " a newer version";
  }
  return number(version) > number(newest) && `client version ${version} is too new. Maximum supported API version is ${newest}`;
}

// What an inspected container's NetworkSettings has in 1.51 and lacks in 1.52.
const GONE = ["Bridge", "HairpinMode", "LinkLocalIPv6Address", "LinkLocalIPv6PrefixLen", "SecondaryIPAddresses",
  "SecondaryIPv6Addresses", "EndpointID", "Gateway", "GlobalIPv6Address", "GlobalIPv6PrefixLen", "IPAddress",
  "IPPrefixLen", "IPv6Gateway", "MacAddress"];

function newShape(answer) {
  if (answer.status !== 200) return answer;
  const container = JSON.parse(answer.body);
  for (const name of GONE) delete container.NetworkSettings[name];
  return { ...answer, body: JSON.stringify(container) };
}

/** `newest` and `oldest` may change under way. `spoken` is the set of the versions of the calls that were taken. */
export class ApiVersions {
  constructor(newest, oldest = "1.24") {
    Object.assign(this, { newest, oldest, spoken: new Set(), refused: 0, pings: 0 });
    this.rule = (call) => this.take(call);
  }

  async take(call) {
    const headers = { "Api-Version": this.newest };
    if (call.path === "/_ping") {
      this.pings += 1;
      call.answer(200, "OK", { ...headers, "Content-Type": "text/plain" });
      return true;
    }
    if (call.path === "/version") {
      const { body } = await call.forward();
      call.answer(200, { ...JSON.parse(body), ApiVersion: this.newest, MinAPIVersion: this.oldest }, headers);
      return true;
    }
    const [, version] = /^\/v([\d.]+)\//.exec(call.request.url) ?? [];
    const message = refusal(version, this);
    if (message) {
      this.refused += 1;
      call.answer(400, { message }, headers);
      return true;
    }
    this.spoken.add(version);
    call.request.url = call.request.url.replace(`/v${version}/`, `/v${REAL}/`);
    if (!call.is("GET", /^\/containers\/[^/]+\/json$/) || number(version) < number("1.52")) return false;
    call.relay(newShape(await call.forward()));
    return true;
  }
}
