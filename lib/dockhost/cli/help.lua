-- What `dockhost --help` prints.
return [[
dockhost: the worker node of DockHost

  dockhost run [SCRIPT_DIR]        connect to the main server and serve it
  dockhost check [SCRIPT_DIR] [--json] [--pull]
                                   settings, scripts, Docker, image, ports, main server, key and more: one line each,
                                   with what to do; with --pull the image is pulled where it is not here
  dockhost check --migrate [--json]
                                   which containers of the Node backend this node would take over, and what changes
  dockhost call EVENT [JSON] [--scripts DIR] [--dry-run]
                                   run one command here, without a main server, and print its reply; with --dry-run
                                   print the Docker calls that it would make, and change nothing
  dockhost console                 the address that opens the console of the node that runs here

  dockhost ps [--json]             the managed containers of this machine
  dockhost logs USER [--tail N] [--follow] [--json]
                                   what the container of USER wrote: the last 100 lines, or N; --follow (-f) goes on
  dockhost stats [USER] [--follow] [--json]
                                   what the running containers use; --follow (-f) goes on, every 2 seconds
  dockhost events [--json]         what happens to the managed containers, as it happens

  dockhost scripts [SCRIPT_DIR]    each script in effect, where it comes from and what it shadows; whether all load
  dockhost new KIND NAME [SCRIPT_DIR]
                                   write a script to start from, and its spec; KIND is command, job or hook
  dockhost test [SCRIPT_DIR]       run the specs of scripts (*_spec.lua), without Docker and network
  dockhost repl [SCRIPT_DIR]       a prompt with `ctx`: each line runs as a command would

  dockhost --version | --help

SCRIPT_DIR lies over the shipped scripts, which serve where none is named; `new` and `test` take the working directory.
Every verb takes --env-file FILE: settings that the environment does not have are read from it (default: .env in the
working directory). Without MAIN_SERVER_BACKEND_URL, `run` is in local mode: `dockhost call` does the work.

  dockhost call create-container '{"username":"ada","sshPublicKey":"ssh-ed25519 AAAA… ada@home"}'
  dockhost call list-containers
]]
