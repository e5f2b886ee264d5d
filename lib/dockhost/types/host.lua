---@meta
-- The primitives that the C host provides, one module a file of host/. Callbacks run on the event loop, one
-- after the other; an error in one is logged with its traceback and harms nothing else. An expected failure
-- is `nil, message, code` where `code` is a short word; wrong arguments raise. Closing a handle is idempotent,
-- and a closed handle calls no callback any more. An active handle needs no reference to stay alive.
-- Times are seconds, as floats; sizes are bytes.

---@class host.loop
local loop = {}
---Turns the loop until `loop.stop`. It may be run again afterwards.
---@return true|nil, string?, string?
function loop.run() end
---Makes `loop.run` return after the current callback.
function loop.stop() end
---Monotonic time.
---@return number seconds
function loop.now() end
---Wall-clock time since the epoch, with fractions.
---@return number seconds
function loop.time() end
---How late timers were, since the start of the process.
---@return host.loop.Histogram
function loop.lag() end
---How long each turn of the loop took, from the first thing that it had to do until it waited again: what became ready
---meanwhile had to wait.
---@return host.loop.Histogram
function loop.turns() end
---Sets what receives the traceback of an error in a callback.
---@param handler fun(traceback: string)
function loop.on_error(handler) end

---@alias host.loop.Histogram {bounds: number[], counts: integer[], sum: number} seconds; counts[i] is of those above
---the bound before and up to bounds[i], the last count of those above all bounds

---@class host.timer
local timer = {}
---Calls `fn` once after `seconds` (0: on the next turn of the loop).
---@param seconds number
---@param fn fun()
---@return host.timer.Timer
function timer.start(seconds, fn) end
---@class host.timer.Timer
local Timer = {}
function Timer:close() end

---@class host.signal
local signal = {}
---Calls `fn` on each arrival of a signal, on the loop.
---@param name "TERM"|"INT"|"HUP"|"USR1"|"USR2"
---@param fn fun()
---@return host.signal.Signal|nil, string?, string?
function signal.on(name, fn) end
---@class host.signal.Signal
local Signal = {}
function Signal:close() end

---@class host.watch
local watch = {}
---Watches a directory (not its subdirectories) with inotify: `fn` gets the name of each entry that was written and
---closed, created, moved in or out, or removed; nil when events were lost or the directory itself went.
---@param directory string
---@param fn fun(name: string|nil)
---@return host.watch.Watch|nil, string?, string?
function watch.start(directory, fn) end
---@class host.watch.Watch
local Watch = {}
function Watch:close() end

---@class host.resolver
local resolver = {}
---Resolves a host name in a thread (getaddrinfo, stream sockets). A numeric address answers itself.
---@param name string
---@param fn fun(addresses: string[]|nil, message: string?, code: "resolve"|"ENOMEM"|nil)
---@return host.worker.Job|nil, string?, string?
function resolver.lookup(name, fn) end

---@class host.file
local file = {}
---Reads a whole file in a thread; over `limit` bytes is the failure "too-large".
---@param path string
---@param limit integer
---@param fn fun(text: string|nil, message: string?, code: string?) code: an errno name ("ENOENT", or "ENOMEM" when the
---text does not fit into the heap) or "too-large"
---@return host.worker.Job|nil, string?, string?
function file.read(path, limit, fn) end
---Lists the names in a directory, sorted, without "." and "..", in a thread.
---@param path string
---@param fn fun(names: string[]|nil, message: string?, code: string?)
---@return host.worker.Job|nil, string?, string?
function file.list(path, fn) end
---Takes an exclusive advisory lock on a file that is created when missing, and made 0600; held until closed or the
---process ends.
---@param path string
---@return host.file.Lock|nil, string?, string? code "busy" when another process holds it
function file.lock(path) end
---Makes a directory and its missing parents with the given mode; an existing one is success.
---@param path string
---@param mode integer
---@return true|nil, string?, string?
function file.mkdir(path, mode) end
---Whether this process may make files in that directory.
---@param path string
---@return true|nil, string?, string?
function file.writable(path) end
---Work that a thread does: what comes of it after a close is dropped.
---@class host.worker.Job
local Job = {}
function Job:close() end
---@class host.file.Lock
local Lock = {}
function Lock:close() end
---A random name that the file keeps: made once, by the first who asks.
---@return string|nil, string?, string?
function Lock:id() end

---@class host.server
local server = {}
---Serves HTTP/1.1 (and 1.0) on a numeric address; port 0 takes any. What the host answers by itself, and then closes:
---400 for what is not HTTP or could be read in two ways, 408 for a request that is not whole after `timeout`, 411 for a
---body in chunks, 413 for one over `limit`, 417, 431 for a head over 16 KiB or 100 fields, 505, and 503 for a
---connection above `most` where none is idle, or has taken more than a second over its request: such a one is closed.
---@param options {host: string, port: integer, limit: integer, timeout: number, idle: number, most: integer, on_request: fun(exchange: host.server.Exchange)}
---`limit`: bytes of a request's body; `timeout`: seconds for a whole request to arrive, and for a reader to take
---anything of its answer; `idle`: seconds that a kept connection waits for its next request; `most`: connections.
---Codes: "in-use", "denied", "address" (none of this machine), or an errno name.
---@return host.server.Server|nil, string?, string?
function server.listen(options) end
---@class host.server.Server
local Server = {}
---The port; 0 once it is closed.
---@return integer
function Server:port() end
---Closes the listener, and drops all connections; no `on_close` is called.
function Server:close() end
---A request, whole when `on_request` gets it, and its answer. An error in `on_request` before the answer is a 500, and so
---is an exchange that is collected unanswered; with a stream begun either drops the connection. Only what Lua holds keeps
---it: its own `on_close` does not. A peer that closes its sending side before the answer is complete has gone.
---@class host.server.Exchange
local Exchange = {}
---Any token: unknown methods are the caller's to refuse.
---@return string
function Exchange:method() end
---As it was sent: a path with its query, or "*".
---@return string
function Exchange:target() end
---The value of a header, whatever the case of its name; several are one list, cookies with "; " between.
---@param name string lower-case
---@return string|nil
function Exchange:header(name) end
---@return string
function Exchange:body() end
---@return string address numeric
function Exchange:peer() end
---Answers as a whole. Connection, Content-Length, Date and Transfer-Encoding are the host's, and raise here. HEAD is
---answered without the body. Fails with "closed" when the peer has gone.
---@param status integer 200 to 599
---@param headers table<string, string>?
---@param body string?
---@return true|nil, string?, string?
function Exchange:respond(status, headers, body) end
---Begins an answer of unknown length.
---@param status integer
---@param headers table<string, string>?
---@return true|nil, string?, string?
function Exchange:stream(status, headers) end
---Fails with "closed", or "full" when more than 1 MiB waits.
---@param chunk string
---@return true|nil, string?, string?
function Exchange:write(chunk) end
---Completes a stream.
---@return true|nil, string?, string?
function Exchange:finish() end
---Drops the connection at once, unless the answer is complete.
function Exchange:close() end
---Calls `fn` once when the peer goes, or takes nothing for too long, before the answer is complete.
---@param fn fun()
function Exchange:on_close(fn) end

---@class host.websocket
local websocket = {}
---Opens a websocket (RFC 6455) as a client. `address` is numeric; `host` serves the Host header, SNI and verification.
---`on_close` is called exactly once, after a failed connect too, unless the socket was closed by `Socket:close`
---before it opened.
---@param options {host: string, address: string, port: integer, path: string, tls: boolean?, timeout: number, limit: integer, on_open: fun(), on_message: fun(data: string, binary: boolean), on_close: fun(message: string, code: string)}
---`timeout`: seconds until open; `limit`: bytes of one assembled message, a longer one closes with "too-large".
---Codes: "connect", "tls", "timeout", "handshake" (an HTTP answer that is not 101: the message names the status), "closed", "too-large".
---@return host.websocket.Socket|nil, string?, string?
function websocket.connect(options) end
---@class host.websocket.Socket
local Socket = {}
---Queues one message, before the socket is open too. Fails with "closed", or "full" when more than 8 MiB wait, in which
---each message counts with its cost of some 50 bytes.
---@param data string
---@param binary boolean?
---@return true|nil, string?, string?
function Socket:send(data, binary) end
---Bytes that wait to be written.
---@return integer
function Socket:pending() end
---The kernel's smoothed round-trip time of the connection; nil while there is none.
---@return number|nil seconds
function Socket:latency() end
---Writes what is queued, sends a close frame (1000) and closes; the peer gets 3 s. `on_close` gets "closed".
function Socket:close() end
---Drops the connection at once, unsent messages included. `on_close` is not called.
function Socket:abort() end

---@class host.claim
local claim = {}
---Takes a name that one process of this machine (its network namespace) can have at a time, until it ends.
---@param name string
---@return host.claim.Claim|nil, string?, string? code "busy" when another process has it
function claim.take(name) end
---Whether a process has that name.
---@param name string
---@return boolean|nil, string?, string?
function claim.is_taken(name) end
---@class host.claim.Claim
local Claim = {}
function Claim:close() end

---@class host.output
local output = {}
---Writes to stdout in a thread, all of it, however slow the reader is. One write at a time: the next after its end.
---@param text string
---@param fn fun(ok: true|nil, message: string?, code: string?) code "EPIPE" when nobody reads any more
---@return host.worker.Job|nil, string?, string?
function output.write(text, fn) end

---@class host.http
local http = {}
---One HTTP request (libcurl), connections kept alive and shared. `body` is a string or a function that returns the
---next chunk, or nil at its end. With `on_data` the body is streamed and not collected. `headers` in answers have
---lower-case names. The end is reported once: `on_done(status, headers, body)` or `on_done(nil, message, code)` with
---code "connect", "resolve", "tls", "timeout", "idle", "too-large", "closed" (the peer ended early) or "protocol".
---@param options {url: string, method: string?, headers: table<string,string>?, body: string|(fun(): string|nil)|nil, unix_socket: string?, connect_timeout: number?, timeout: number?, idle_timeout: number?, limit: integer?, proxy: boolean?, tls: {ca: string?, cert: string?, key: string?, verify: boolean?}?, on_head: fun(status: integer, headers: table<string,string>)?, on_data: fun(chunk: string)?, on_done: fun(status: integer|nil, headers: table|string, body: string|nil)}
---`connect_timeout` 10; `timeout` none; `idle_timeout` (no byte in either direction) none; `limit` of a collected body
---16 MiB; `proxy` false: ignores the proxy variables of the environment.
---@return host.http.Request|nil, string?, string?
function http.request(options) end
---@class host.http.Request
local Request = {}
---Aborts; `on_done` is not called.
function Request:close() end
---While it is held, nothing more is read of the answer: the peer has to wait, and does not time out. What was read
---already is still delivered.
---@param held boolean
function Request:hold(held) end

---@class host.port
local port = {}
---The TCP ports that something listens on, on any address, IPv4 or IPv6 (one NETLINK_SOCK_DIAG dump).
---@return table<integer, true>|nil, string?, string?
function port.listening() end
---Whether Docker could publish the port: SO_REUSEADDR binds on 0.0.0.0 and on [::] (V6ONLY) both succeed.
---@param number integer 1 to 65535
---@return boolean
function port.bindable(number) end

---@class host.tar
local tar = {}
---A POSIX ustar archive, padded to its end-of-archive blocks. Names are relative, at most 100 bytes.
---@param entries {name: string, type: "file"|"directory", mode: integer, uid: integer?, gid: integer?, mtime: integer?, content: string?}[]
---@return string
function tar.pack(entries) end

---@class host.lan
local lan = {}
---The IPv4 addresses of this machine's interfaces. `physical`: a device stands behind it (or behind a bridge's or
---bond's port); docker0 and veths have none.
---@return {name: string, address: string, physical: boolean, up: boolean, loopback: boolean}[]|nil, string?, string?
function lan.interfaces() end

---@class host.log
local log = {}
---Writes one line to stderr without ever blocking; what a full pipe can't take is dropped, and the next line that
---fits is preceded by "N lines dropped".
---@param line string
function log.write(line) end
---How many lines were dropped since the start.
---@return integer
function log.dropped() end

---@class host.process
---@field version string the version of the program
local process = {}
---The environment.
---@return table<string, string>
function process.environ() end
---Removes a variable from the environment and wipes its value, which /proc/PID/environ would go on to show.
---@param name string
function process.conceal(name) end
---Whether a standard descriptor is a terminal.
---@param descriptor integer 0, 1 or 2
---@return boolean
function process.isatty(descriptor) end
---Names this process among all that may use this Docker: "pid-namespace:pid:start-time:boot-id".
---@return string
function process.identity() end
---Whether the process so named still runs: nil when it can't be seen from here, for it is of another PID namespace,
---of another machine, or of this one before it was started anew.
---@param identity string
---@return boolean|nil
function process.alive(identity) end
---What this process takes of the machine. `cpu`: seconds, `started`: wall-clock time, memory in bytes; `descriptors` may
---lack.
---@return {resident: integer, virtual: integer, cpu: number, threads: integer, descriptors: integer?, most_descriptors: integer, started: number}|nil, string?, string?
function process.figures() end
---The versions of the libraries that run.
---@return {lua: string, libwebsockets: string, curl: string}
function process.libraries() end

---Tells the supervisor that started the process, as sd_notify(3): lines like "READY=1". Never waits: "EAGAIN" where the
---supervisor does not read.
---@param text string
---@return boolean|nil told, string? message, string? code false: $NOTIFY_SOCKET names none
function process.notify(text) end

---@class host.guard
local guard = {}
---Requiring the module replaces coroutine.resume, wrap and close by equals that the watchdog knows of.
---Resumes a coroutine as coroutine.resume does, but stops it when it runs `seconds` of processor time without yielding:
---then it returns false and a message that names the line, and the coroutine is dead. A failed coroutine's message
---carries a traceback as a third result, and the coroutine is closed.
---@param co thread
---@param seconds number
---@param ... any
---@return boolean, any
function guard.resume(co, seconds, ...) end
---Limits the Lua heap; an allocation past it raises "not enough memory" where it was asked for. What does not run in
---`guard.resume`, such as the callbacks of the loop, may take 8 MiB more: a script that keeps its hoard silences nobody.
---@param bytes integer 0: no limit
function guard.limit_memory(bytes) end
