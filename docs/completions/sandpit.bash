# bash completion for sandpit(1)
# Made for bash-completion 2; works without it.

_sandpit() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}
  local commands='run exec learn batch check runtimes list-supported doctor attest config trust completion version help'
  local shared='--help --config --profile --memory --memory-limit --cpu-time --cpu-limit --timeout --processes
    --file-size --disk --open-files --stack --output-limit --chdir --read --write --env --net --stdin --out
    --json --json-file --explain --raw-terminal --trace --no-denials --quiet --verbose'
  local with_value='--runtime --entry --file --invoke --lint --compile-timeout --compile-memory --config --profile --memory --memory-limit --cpu-time --cpu-limit --timeout
    --processes --file-size --disk --open-files --stack --output-limit --chdir --read --write --env --net --stdin
    --out --json-file'
  COMPREPLY=()

  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur")
    return
  fi
  case $command in
    run | exec) ;;
    learn)
      case $prev in
        --allow) mapfile -t COMPREPLY < <(compgen -W 'none read write net syscalls' -- "$cur") ;;
        --lint) mapfile -t COMPREPLY < <(compgen -W 'off warn deny' -- "$cur") ;;
        --profile) mapfile -t COMPREPLY < <(compgen -W 'development production strict' -- "$cur") ;;
        --runtime)
          mapfile -t COMPREPLY < <(compgen -W "$(sandpit runtimes 2>/dev/null | awk 'NR > 1 { print $1 }')" -- "$cur") ;;
        *)
          if [[ $cur == -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W '--help --output --force --name --allow --runs --runtime --entry --file --exec
              --lint --profile --stdin --quiet' -- "$cur")
          else
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
          fi ;;
      esac
      return ;;
    batch)
      case $prev in
        --net) mapfile -t COMPREPLY < <(compgen -W 'none loopback host' -- "$cur") ;;
        --lint) mapfile -t COMPREPLY < <(compgen -W 'off warn deny' -- "$cur") ;;
        --profile) mapfile -t COMPREPLY < <(compgen -W 'development production strict' -- "$cur") ;;
        --runtime)
          mapfile -t COMPREPLY < <(compgen -W "$(sandpit runtimes 2>/dev/null | awk 'NR > 1 { print $1 }')" -- "$cur") ;;
        *)
          if [[ $cur == -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W '--help --output --jobs --ordered --resume --force --fail-fast --cold --memory-budget
              --overcommit --runtime --lint --config --profile --memory --memory-limit --cpu-time --cpu-limit --timeout
              --compile-timeout --compile-memory --processes --file-size --disk --open-files --stack --output-limit --read
              --write --env --net --no-denials --quiet' -- "$cur")
          else
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
          fi ;;
      esac
      return ;;
    check)
      if [[ $prev == --runtime ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(sandpit runtimes 2>/dev/null | awk 'NR > 1 { print $1 }')" -- "$cur")
      elif [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--json --sarif --runtime --config --profile --help' -- "$cur")
      else
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
      fi
      return ;;
    runtimes | list-supported)
      mapfile -t COMPREPLY < <(compgen -W 'show --json --config --profile --help' -- "$cur")
      return ;;
    attest)
      case $prev in
        --profile) mapfile -t COMPREPLY < <(compgen -W 'development production strict' -- "$cur") ;;
        --config | -o | --output) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
        *)
          mapfile -t COMPREPLY < <(compgen -W '--help --json --config --profile --output --prove
            files processes kernel resources network information supervisor' -- "$cur") ;;
      esac
      return ;;
    doctor)
      mapfile -t COMPREPLY < <(compgen -W '--json --help' -- "$cur")
      return ;;
    config)
      if ((COMP_CWORD == 2)); then
        mapfile -t COMPREPLY < <(compgen -W 'show check init' -- "$cur")
      elif [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--config --profile --help' -- "$cur")
      else
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
      fi
      return ;;
    trust)
      if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--remove --help' -- "$cur")
      else
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
      fi
      return ;;
    completion)
      mapfile -t COMPREPLY < <(compgen -W 'bash zsh fish' -- "$cur")
      return ;;
    *) return ;;
  esac

  # The first word that is neither an option nor an option's value begins the program's own arguments.
  local i word
  for ((i = 2; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $word == -- || $word != -* ]]; then
      mapfile -t COMPREPLY < <(compgen -f -- "$cur")
      return
    fi
    if [[ " ${with_value//$'\n'/ } " == *" $word "* ]]; then
      ((i++))
    fi
  done

  case $prev in
    --net) mapfile -t COMPREPLY < <(compgen -W 'none loopback host' -- "$cur"); return ;;
    --lint) mapfile -t COMPREPLY < <(compgen -W 'off warn deny' -- "$cur"); return ;;
    --profile) mapfile -t COMPREPLY < <(compgen -W 'development production strict' -- "$cur"); return ;;
    --runtime)
      mapfile -t COMPREPLY < <(compgen -W "$(sandpit runtimes 2>/dev/null | awk 'NR > 1 { print $1 }')" -- "$cur")
      return ;;
    --config | --stdin | --json-file | --read | --write | --file | --entry)
      mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
    --out) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
    --memory | --memory-limit | --file-size | --disk | --stack | --output-limit | --cpu-time | --cpu-limit | \
      --timeout | --compile-timeout | --compile-memory | --processes | --open-files | --chdir | --env | --invoke)
      return ;;
  esac
  if [[ $cur == -* ]]; then
    [[ $command == run ]] && shared+=' --runtime --entry --file --invoke --lint --compile-timeout --compile-memory'
    mapfile -t COMPREPLY < <(compgen -W "$shared" -- "$cur")
  elif [[ $command == run ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
  else
    mapfile -t COMPREPLY < <(compgen -c -- "$cur")
  fi
}
complete -o filenames -F _sandpit sandpit
