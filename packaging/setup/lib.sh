# What the set-up scripts share. To be sourced by a POSIX shell from the top of the checkout.
# shellcheck shell=sh

# Prints each argument on a line of its own.
say() {
  printf '%s\n' "$@" >&2
}

fail() {
  say "$@"
  exit 1
}

have() {
  command -v "$1" >/dev/null 2>&1
}

# Runs a command as root, through sudo where there is one.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    sudo "$@"
  fi
}

on_ubuntu() {
  grep -q '^ID=ubuntu' /etc/os-release 2>/dev/null
}

can_be_root() {
  [ "$(id -u)" = 0 ] || have sudo
}

# The command for a person to run, with sudo where there is one.
to_run_as_root() {
  if have sudo; then echo "  sudo $*"; else echo "  $*  # as root"; fi
}

# setting NAME DEFAULT: a setting as the worker reads it, the environment before .env (or ENV_FILE). Empty is absent.
setting() {
  eval "value=\${$1:-}"
  if [ -z "$value" ]; then value=$(setting_in_file "$1" "${ENV_FILE:-.env}"); fi
  printf '%s\n' "${value:-$2}"
}

setting_in_file() {
  [ -r "$2" ] || return 0
  sed -e "s/^[[:space:]]*\(export[[:space:]]\{1,\}\)\{0,1\}$1[[:space:]]*=[[:space:]]*//" -e t -e d "$2" | tail -n 1 |
    sed -e 's/^"\([^"]*\)".*/\1/' -e t -e "s/^'\([^']*\)'.*/\1/" -e t -e 's/[[:space:]]\{1,\}#.*//' -e 's/[[:space:]]*$//'
}
