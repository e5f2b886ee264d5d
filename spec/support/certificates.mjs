// Certificates made by openssl for a test: an authority of its own, and what that, another or nobody has signed.
import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const openssl = (...args) => run("openssl", args);
const DAY = 86400000;

const stamp = (time) => `${new Date(time).toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`;

export class Certificates {
  constructor(directory) {
    this.directory = directory;
  }

  path(name, ending = "pem") {
    return join(this.directory, `${name}.${ending}`);
  }

  /** An authority; its certificate is `path(name)`. */
  async authority(name) {
    await openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
      "-subj", `/CN=${name}`, "-keyout", this.path(name, "key"), "-out", this.path(name));
    return this;
  }

  /** A certificate for `subject` (as in "DNS:localhost"), signed by `authority`, valid unless `expired`. */
  async issue(name, { subject, authority, expired = false }) {
    const database = this.path(name, "db");
    await mkdir(database);
    const config = this.path(name, "cnf");
    await writeFile(config, `[ca]\ndefault_ca=it\n[it]\nnew_certs_dir=${database}\ndatabase=${database}/index\nrand_serial=yes\n`
      + `default_md=sha256\npolicy=any\ncopy_extensions=copy\n[any]\ncommonName=optional\n`);
    await writeFile(join(database, "index"), "");
    await openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", `/CN=${name}`,
      "-addext", `subjectAltName=${subject}`, "-keyout", this.path(name, "key"), "-out", this.path(name, "csr"));
    const now = Date.now();
    const [start, end] = expired ? [now - 3 * DAY, now - DAY] : [now - DAY, now + DAY];
    await openssl("ca", "-batch", "-config", config, "-cert", this.path(authority), "-keyfile", this.path(authority, "key"),
      "-startdate", stamp(start), "-enddate", stamp(end), "-in", this.path(name, "csr"), "-out", this.path(name));
  }

  /** What https.createServer takes. */
  async of(name) {
    return { cert: await readFile(this.path(name)), key: await readFile(this.path(name, "key")) };
  }

  /** A directory that OpenSSL finds the authority in, by its hash. */
  async hashed(authority) {
    const directory = this.path(authority, "d");
    await mkdir(directory);
    await run("cp", [this.path(authority), directory]);
    await openssl("rehash", directory);
    return directory;
  }
}
