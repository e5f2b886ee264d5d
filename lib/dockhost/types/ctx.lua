---@meta
-- What scripts are made of and what they get (the guide is lua/README.md). What waits yields: other commands and the
-- heartbeat go on. An expected failure is `nil, message, status`, which a handler may return as it is; wrong arguments
-- raise. Times are seconds. `---@type dockhost.Ctx` above a local tells the language server.

---What the file below returns, in a script that lies over another one: loaded for this script alone, so that it may be
---changed and returned. Undefined where nothing is shadowed.
---@type any
shadowed = nil

-- Scripts -----------------------------------------------------------------------------------------------------------

---commands/NAME.lua returns one: it answers the event NAME.
---@class dockhost.Command
---@field run fun(params: table, ctx: dockhost.Ctx): table|nil, string?, integer?, table? data, message | nil, message, status, data
---@field params table<string, dockhost.ParamType>? checked before `run`; fields without a rule are left out
---@field limit integer? how many run at once on this node; the rest wait
---@field cancels string? the command of the same user that this one cancels where it still runs
---@field fallback (fun(params: table, ctx: dockhost.Ctx): table|nil)? the data of an answer where the command could not be run (429 and above); it can't wait
---@field trim (fun(data: table): table|nil)? smaller data where the reply is larger than the main server takes; it can't wait

---@alias dockhost.ParamType
---|"username"|"ssh-keys"|"port"|"container-id"|"string"|"integer"|"number"|"boolean"|"table"|"any"
---|"username?"|"ssh-keys?"|"port?"|"container-id?"|"string?"|"integer?"|"number?"|"boolean?"|"table?"|"any?"

---jobs/NAME.lua returns one.
---@class dockhost.Job
---@field every number seconds from one turn to the next, 1 to 30 days; the first is that long after the node's start
---@field run fun(ctx: dockhost.Ctx) what it returns is ignored; a turn that comes while it still runs is left out

---hooks/NAME.lua returns one, where NAME is a hook's: connected, disconnected, container-created, container-started,
---container-stopped or container-deleted. What it returns is ignored.
---@alias dockhost.Hook fun(event: dockhost.Connected|dockhost.Disconnected|dockhost.ContainerEvent, ctx: dockhost.Ctx)

---The event of hooks/connected.lua: the main server has accepted this node.
---@class dockhost.Connected
---@field server string its address
---@field recovered boolean whether the last session goes on, with nothing missed

---The event of hooks/disconnected.lua.
---@class dockhost.Disconnected
---@field server string
---@field reason string

---The event of hooks/container-*.lua, for each managed container on this machine, whoever changed it.
---@class dockhost.ContainerEvent
---@field username string
---@field containerId string
---@field image string
---@field exitCode integer? of container-stopped

---dialect.lua returns a table of these by event.
---@class dockhost.Route
---@field command string? the command that the event is; without it, the one of the event's name
---@field reply (fun(outcome: dockhost.Outcome, params: table): any)? the value that is sent; it can't wait

---@class dockhost.Outcome
---@field success boolean
---@field status integer an HTTP status
---@field message string
---@field data table

---reconnect.lua returns one: the seconds to wait before the nth try, from 1. `reason` is "refused" for a refused key,
---else what ended the last connection. It can't wait.
---@alias dockhost.Reconnect fun(attempt: integer, reason: string): number

---container.lua returns one: the body of POST /containers/create. Labels that ownership rests on are added to it.
---@alias dockhost.Describe fun(instance: dockhost.NewInstance, config: dockhost.Config): table

---@class dockhost.NewInstance
---@field username string
---@field image string
---@field keys string the text of authorized_keys
---@field ports dockhost.Triple
---@field attempt string names this attempt to make it

-- ctx ---------------------------------------------------------------------------------------------------------------

---@class dockhost.Ctx
---@field event string the event as it was sent; of jobs and hooks "jobs/NAME", "hooks/NAME"
---@field id integer|string names this run: in the log, a failed command has its number
---@field config dockhost.Config the settings: a copy of this run's own, which container.lua gets as the run leaves it
---@field log dockhost.Log
---@field docker dockhost.Docker the Docker Engine API
---@field containers dockhost.Containers whose container is which
---@field instances dockhost.Instances the making of containers
---@field images dockhost.Images
---@field ports dockhost.Ports
---@field store dockhost.Store what is kept from one run to the next
---@field deadline number when the run is stopped, in the time of `time()`: 278 s after it began
---@field partial table what a command that cancels this one may know of it: `containerId`
---@field cancelled table? `partial` of the command that this one has cancelled
local ctx = {}
---Wall-clock time since the epoch, with fractions.
---@return number seconds
function ctx.time() end
---@param seconds number
function ctx.sleep(seconds) end
---One HTTP request; 30 s at most unless `timeout` says otherwise. The proxy variables of the environment are used.
---@param options dockhost.HttpOptions
---@return dockhost.HttpAnswer|nil, string?, string? code "connect", "resolve", "tls", "timeout", "closed", "too-large" or "protocol"
function ctx.http(options) end
---Sends an event to the main server; it is not kept where there is no connection.
---@param event string
---@param ... any
---@return true|nil, string?
function ctx.emit(event, ...) end
---Runs a program inside a running container.
---@param container string the id
---@param options dockhost.ExecOptions
---@return integer|nil, string?, integer? code and output (the last 1 MiB of both streams; "" with `on_output`)
function ctx.exec(container, options) end
---Calls `fn` if the command fails, is cancelled or does not end in time; the last one first, 10 s for all.
---@param fn fun()
function ctx.on_undo(fn) end
---Calls `fn` when the command has ended, however; it can't wait.
---@param fn fun()
function ctx.on_end(fn) end
---Calls `attempt` again while it fails with 503 (Docker is away), for `seconds` at most.
---@param seconds number
---@param attempt fun(): any, string?, integer?
---@return any, string?, integer?
function ctx.hold(seconds, attempt) end
---What container.lua says of a new instance.
---@param instance dockhost.NewInstance
---@return table
function ctx.describe(instance) end
---Packs a tar archive, for `docker:archive_put`.
---@param entries {name: string, type: "file"|"directory", mode: integer, uid: integer?, gid: integer?, mtime: integer?, content: string?}[]
---@return string
function ctx.tar(entries) end

---@class dockhost.HttpOptions
---@field url string
---@field method string? GET
---@field headers table<string, string>?
---@field body string?
---@field timeout number? 30

---@class dockhost.HttpAnswer
---@field status integer
---@field headers table<string, string> names in lower case
---@field body string 16 MiB at most

---@class dockhost.ExecOptions
---@field cmd string[] program and arguments; no shell is between
---@field user string?
---@field dir string?
---@field env string[]? "NAME=value"
---@field on_output (fun(text: string, stream: "stdout"|"stderr"))? takes the output as it comes; it may wait

---Lines in the node's log. `fields` become name=value.
---@class dockhost.Log
local log = {}
---@param message string
---@param fields table?
function log.debug(message, fields) end
---@param message string
---@param fields table?
function log.info(message, fields) end
---@param message string
---@param fields table?
function log.warn(message, fields) end
---@param message string
---@param fields table?
function log.error(message, fields) end

---The settings (README has the variables), without the key.
---@class dockhost.Config
---@field server table? the main server; nil in local mode
---@field api_key_file string?
---@field image string
---@field pull "missing"|"always"|"never"
---@field docker table where Docker is
---@field port_start integer
---@field port_end integer
---@field max_containers integer
---@field memory integer bytes; 0: no limit
---@field cpus number 0: no limit
---@field pids integer 0: no limit
---@field lan_ip string?
---@field console table|false {host, port}; false: off
---@field state string the state directory
---@field log "text"|"json"
---@field debug string?

---What scripts remember across commands and reloads, not across a restart: 1 MiB of JSON, for all scripts together.
---@class dockhost.Store
local store = {}
---@param key string 1 to 256 bytes
---@return any value a copy
function store:get(key) end
---@param key string
---@param value any what JSON can say; nil forgets the key
---@return true|nil, string?
function store:set(key, value) end
---@param prefix string?
---@return string[] sorted
function store:keys(prefix) end

---@class dockhost.Triple
---@field ssh integer
---@field http integer
---@field https integer

---@class dockhost.Ports
local ports = {}
---Three free host ports in a row, held until the command ends.
---@param start integer? where the search begins
---@return dockhost.Triple|nil, string?, integer?
function ports:reserve(start) end

-- Containers --------------------------------------------------------------------------------------------------------

---A managed container.
---@class dockhost.Instance
---@field id string
---@field name string
---@field username string
---@field adopted boolean whether the Node backend made it
---@field state string Docker's word
---@field created number|nil
---@field image string
---@field started number|nil not in a list
---@field ports dockhost.Triple not in a list: `with_ports` adds it
---@field inspected table|nil what Docker tells of it; not in a list
---@field labels table<string, string>|nil in a list

---@class dockhost.Containers
local containers = {}
---@param user string
---@return dockhost.Instance|nil, string?, integer? 404: the user has none
function containers:of_user(user) end
---@param id string full, or a prefix of it
---@return dockhost.Instance|nil, string?, integer?
function containers:of_id(id) end
---The container that `username` or `containerId` names.
---@param params {username: string?, containerId: string?}
---@return dockhost.Instance|nil, string?, integer?
function containers:find(params) end
---@return dockhost.Instance[]|nil, string?, integer?
function containers:list() end
---@param instance dockhost.Instance
---@return dockhost.Instance|nil, string?, integer?
function containers:with_ports(instance) end
---The host ports in any container's bindings, running or not, ours or not.
---@return table<integer, true>|nil, string?, integer?
function containers:bound_ports() end
---What `docker:container_inspect` returned, as an instance, or nil where it is not ours.
---@param inspected table
---@return dockhost.Instance|nil
function containers:own(inspected) end
---@param name string
---@param labels table<string, string>?
---@param image string?
---@return string|nil user
---@return boolean? adopted
function containers:user_of(name, labels, image) end
---The state last heard of, without asking Docker.
---@param user string
---@return string|nil
function containers:last_state(user) end
---@param user string
---@param state string|nil
function containers:note(user, state) end

---@class dockhost.Instances
local instances = {}
---Takes one of this node's places until the command ends; what exists counts.
---@param user string
---@param run dockhost.Ctx
---@return true|nil, string?, integer? 503: the node is full
function instances:admit(user, run) end
---Creates the container of `instance` ({username, keys, ports, attempt = 1, 2 …}), not started. It is removed where the
---command fails.
---@param instance table
---@param run dockhost.Ctx
---@return string|nil, string?, integer?, table? id | nil, message, status, the entry of the one that the user has
function instances:create(instance, run) end
---Removes what `create` made, before another attempt.
---@param instance table
---@return true|nil, string?, integer?
function instances:discard(instance) end
---@param attempt string
---@return boolean
function instances:is_leftover(attempt) end
---@param attempt string
function instances:settle(attempt) end
---A removal has failed, perhaps half-way: the sweep looks at it.
function instances:doubt() end
---Removes a container that a failed attempt has left; false where it is none.
---@param inspected table
---@return boolean|nil, string?, integer?
function instances:finish_undo(inspected) end
---@return table<string, true>
function instances:past_leftovers() end
---@param attempt string
---@return boolean
function instances:at_work(attempt) end

---@class dockhost.Images
local images = {}
---Sees that an image is here; pulls it as the policy says, once for all who wait.
---@param name string
---@param policy "missing"|"always"|"never"
---@return true|nil, string?, integer?
function images:ensure(name, policy) end

-- Docker ------------------------------------------------------------------------------------------------------------

---The Docker Engine API. Failures: nil, the daemon's message and status; 503 where it does not answer. It reaches every
---container of the machine: `containers` tells which are ours.
---@class dockhost.Docker
local docker = {}
---@return table|nil, string?, integer?
function docker:version() end
---@param name string
---@return table|nil, string?, integer?
function docker:image_inspect(name) end
---Whether the registry has an image: the daemon asks it, which takes a while.
---@param name string
---@return table|nil, string?, integer?
function docker:distribution(name) end
---@param name string
---@param on_progress fun(entry: table)? it can't wait
---@return true|nil, string?, integer?
function docker:image_pull(name, on_progress) end
---@param filters table<string, string[]>? as the API has them
---@return table[]|nil, string?, integer?
function docker:container_list(filters) end
---@param id string or a name
---@return table|nil, string?, integer?
function docker:container_inspect(id) end
---@param name string
---@param body table
---@return string|nil, string?, integer? the id
function docker:container_create(name, body) end
---@param id string
---@param path string
---@param archive string|fun(): string|nil
---@return true|nil, string?, integer?
function docker:archive_put(id, path, archive) end
---@param id string
---@return true|nil, string?, integer? "done", or "already" where it ran
function docker:container_start(id) end
---@param id string
---@param query {t: integer}? seconds until SIGKILL
---@return true|nil, string?, integer? "done", or "already" where it was stopped
function docker:container_stop(id, query) end
---By force, with anonymous volumes.
---@param id string
---@return true|nil, string?, integer?
function docker:container_remove(id) end
---@param id string
---@param tail integer
---@param tty boolean whether the container has a terminal
---@return string|nil, string?, integer?
function docker:container_logs(id, tail, tty) end
---The output as it comes: the last `tail` lines and, with `follow`, what is written from then on, until the container
---stops. `stream` is 1 for stdout, 2 for stderr. `on_text` may wait: the container's output waits with it.
---@param id string
---@param options {tail: integer, tty: boolean, follow: boolean?}
---@param on_text fun(text: string, stream: integer)
---@return true|nil, string?, integer?
function docker:container_follow(id, options, on_text) end
---One sample; `dockhost.stats` makes figures of two.
---@param id string
---@return table|nil, string?, integer?
function docker:container_stats(id) end
---@param name string
---@return table|nil, string?, integer?
function docker:network_inspect(name) end
---@param body table
---@return table|nil, string?, integer?
function docker:network_create(body) end
---Calls `on_event` for each event until the stream ends, which is a failure always.
---@param filters table<string, string[]>
---@param since string?
---@param on_event fun(event: table) it can't wait
---@param on_open (fun(): string?)? called when it is open; returns the `since` of a stream that had none
---@return nil, string, integer
function docker:events(filters, since, on_event, on_open) end
---Any other call of the API: the body of the answer and its status. `path` is used as it stands.
---@param method string
---@param path string without the version, such as "/info"
---@param options {query: table?, body: table|string|nil, headers: table?, timeout: number?, limit: integer?}
---@return string|nil, string|integer|nil, integer?
function docker:call(method, path, options) end
---The same, for an answer that is JSON; fields that are null are absent.
---@param method string
---@param path string
---@param options {query: table?, body: table|string|nil, headers: table?, timeout: number?, limit: integer?}
---@return table|nil, string?, integer?
function docker:json(method, path, options) end
---The same, for an answer that comes in pieces.
---@param method string
---@param path string
---@param options {query: table?, body: table|string|nil, headers: table?, timeout: number?, idle_timeout: number?}
---@param feed fun(chunk: string) it can't wait
---@param opened fun()?
---@return true|nil, string?, integer?
function docker:stream(method, path, options, feed, opened) end
---One HTTP exchange below `call`: no version, no judgement of the status.
---@param method string
---@param path string
---@param options table
---@return integer|nil, string?, table|integer|nil status, body, headers
function docker:exchange(method, path, options) end
---@return string|nil, string?, integer? the version's prefix, such as "/v1.41"
function docker:negotiate() end
---@param detail string
---@return string message
function docker:unreachable(detail) end
