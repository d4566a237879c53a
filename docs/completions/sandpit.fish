# fish completion for sandpit(1)

function __sandpit_runtimes
    sandpit runtimes 2>/dev/null | awk 'NR > 1 { print $1 }'
end

complete -c sandpit -f
complete -c sandpit -n __fish_use_subcommand -a run -d 'run a program from source code'
complete -c sandpit -n __fish_use_subcommand -a exec -d 'run a command of this host in the same sandbox'
complete -c sandpit -n __fish_use_subcommand -a runtimes -d 'list the languages'
complete -c sandpit -n __fish_use_subcommand -a list-supported -d 'list the languages'
complete -c sandpit -n __fish_use_subcommand -a doctor -d 'what this host offers and what mends it'
complete -c sandpit -n __fish_use_subcommand -a config -d 'show, check or begin a configuration'
complete -c sandpit -n __fish_use_subcommand -a trust -d 'let a directory\'s configuration loosen limits'
complete -c sandpit -n __fish_use_subcommand -a completion -d 'print the completion script of a shell'
complete -c sandpit -n __fish_use_subcommand -a version -d 'print the version'
complete -c sandpit -n __fish_use_subcommand -a help -d 'print help'

set -l runs '__fish_seen_subcommand_from run exec'
complete -c sandpit -n '__fish_seen_subcommand_from run' -F
complete -c sandpit -n '__fish_seen_subcommand_from exec' -a '(__fish_complete_subcommand)'
complete -c sandpit -n '__fish_seen_subcommand_from run' -l runtime -x -a '(__sandpit_runtimes)' -d 'the language'
complete -c sandpit -n '__fish_seen_subcommand_from run' -l lint -x -a 'off warn deny' -d 'what to do with what lint finds'
complete -c sandpit -n $runs -l help -d 'print help'
complete -c sandpit -n $runs -l config -r -F -d 'use this configuration file'
complete -c sandpit -n $runs -l profile -x -a 'development production strict' -d 'profile of the configuration'
complete -c sandpit -n $runs -l memory -x -d 'memory of the whole process tree'
complete -c sandpit -n $runs -l memory-limit -x -d 'the same as --memory'
complete -c sandpit -n $runs -l cpu-time -x -d 'CPU time of the whole process tree'
complete -c sandpit -n $runs -l cpu-limit -x -d 'the same as --cpu-time'
complete -c sandpit -n $runs -l timeout -x -d 'time from start to end'
complete -c sandpit -n $runs -l processes -x -d 'processes and threads'
complete -c sandpit -n $runs -l file-size -x -d 'size of one file'
complete -c sandpit -n $runs -l disk -x -d 'all files together'
complete -c sandpit -n $runs -l open-files -x -d 'open files of one process'
complete -c sandpit -n $runs -l stack -x -d 'stack of the main thread'
complete -c sandpit -n $runs -l output-limit -x -d 'stdout and stderr, each'
complete -c sandpit -n $runs -l chdir -x -d 'start in this directory, inside'
complete -c sandpit -n $runs -l read -r -F -d 'show this path, read-only'
complete -c sandpit -n $runs -l write -r -F -d 'show this path, writable'
complete -c sandpit -n $runs -l env -x -d 'set a variable'
complete -c sandpit -n $runs -l net -x -a 'none loopback host' -d network
complete -c sandpit -n $runs -l stdin -r -F -d 'read standard input from this file'
complete -c sandpit -n $runs -l out -x -a '(__fish_complete_directories)' -d 'copy what the program made to this directory'
complete -c sandpit -n $runs -l json -d 'print the outcome as JSON'
complete -c sandpit -n $runs -l json-file -r -F -d 'write the outcome there'
complete -c sandpit -n $runs -l explain -d 'print the plan and stop'
complete -c sandpit -n $runs -s q -l quiet -d 'no warnings'
complete -c sandpit -n $runs -s v -l verbose -d 'say how the run went'

complete -c sandpit -n '__fish_seen_subcommand_from runtimes list-supported' -a 'show (__sandpit_runtimes)'
complete -c sandpit -n '__fish_seen_subcommand_from runtimes list-supported doctor' -l json -d 'print JSON'
complete -c sandpit -n '__fish_seen_subcommand_from config; and not __fish_seen_subcommand_from show check init' -a 'show check init'
complete -c sandpit -n '__fish_seen_subcommand_from config runtimes list-supported' -l config -r -F -d 'configuration file'
complete -c sandpit -n '__fish_seen_subcommand_from config runtimes list-supported' -l profile -x -d profile
complete -c sandpit -n '__fish_seen_subcommand_from trust' -a '(__fish_complete_directories)'
complete -c sandpit -n '__fish_seen_subcommand_from trust' -l remove -d 'take the trust back'
complete -c sandpit -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'
