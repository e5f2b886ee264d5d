# Completion of dockhost for bash.

# The users that have a container, where Docker tells quickly.
_dockhost_users() {
  timeout 2 "$1" ps --json 2>/dev/null | grep -o '"username":"[^"\\]*"' | cut -d'"' -f4
}

# The events of the scripts in effect.
_dockhost_events() {
  timeout 2 "$@" 2>/dev/null | sed -n 's|^commands/\(.*\)\.lua .*|\1|p'
  echo 'start_container stop_container resume_container delete_container'
}

_dockhost() {
  local current=$2 previous=$3 verb='' scripts=() options='' words='' place=0 i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      --env-file | --scripts | --tail)
        [ "${COMP_WORDS[i]}" = --scripts ] && scripts=("${COMP_WORDS[i + 1]}")
        i=$((i + 1))
        ;;
      -*) ;;
      *) if [ -z "$verb" ]; then verb=${COMP_WORDS[i]}; else place=$((place + 1)); fi ;;
    esac
  done

  case $previous in
    --env-file)
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    --scripts)
      mapfile -t COMPREPLY < <(compgen -d -- "$current")
      return
      ;;
    --tail) return ;;
  esac

  case $verb in
    '') words='run check call ps logs stats events console scripts new test repl --help --version' ;;
    run | scripts | repl | test) options='--env-file' ;;
    check) options='--json --migrate --pull --env-file' ;;
    call) options='--scripts --dry-run --env-file' ;;
    ps | events) options='--json --env-file' ;;
    logs) options='--tail --follow --json --env-file' ;;
    stats) options='--follow --json --env-file' ;;
    new | console) options='--env-file' ;;
  esac
  if [[ $current == -* && -n $verb ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
    return
  fi

  case $verb,$place in
    run,0 | check,0 | scripts,0 | repl,0 | test,0 | new,2)
      mapfile -t COMPREPLY < <(compgen -d -- "$current")
      return
      ;;
    logs,0 | stats,0) words=$(_dockhost_users "$1") ;;
    call,0) words=$(_dockhost_events "$1" scripts "${scripts[@]}") ;;
    new,0) words='command job hook' ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -o filenames -F _dockhost dockhost
