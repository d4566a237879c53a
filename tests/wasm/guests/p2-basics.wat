;; A command of preview 2, by hand; the first letter of its first argument says what it does.
;;   a  prints the other arguments   e  prints the environment   c  copies stdin to stdout   x  exits with an error
;;   o  a line to stdout, one to stderr   s  sleeps for years   t  traps   r  random bytes: how many it got   f  a flood
(component
  (import "wasi:cli/environment@0.2.0" (instance $environment
    (export "get-environment" (func (result (list (tuple string string)))))
    (export "get-arguments" (func (result (list string))))))
  (import "wasi:cli/exit@0.2.0" (instance $exit (export "exit" (func (param "status" (result))))))
  (import "wasi:io/error@0.2.0" (instance $errors (export "error" (type (sub resource)))))
  (alias export $errors "error" (type $error))
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (export "output-stream" (type $output-stream (sub resource)))
    (export "input-stream" (type $input-stream (sub resource)))
    (alias outer 1 $error (type $outer-error))
    (export "error" (type $error (eq $outer-error)))
    (type $failure (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $failure)))
    (export "[method]input-stream.blocking-read"
      (func (param "self" (borrow $input-stream)) (param "len" u64) (result (result (list u8) (error $stream-error)))))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $output-stream)) (param "contents" (list u8))
        (result (result (error $stream-error)))))))
  (alias export $streams "output-stream" (type $output-stream))
  (alias export $streams "input-stream" (type $input-stream))
  (import "wasi:cli/stdin@0.2.0" (instance $stdin
    (alias outer 1 $input-stream (type $outer-stream))
    (export "input-stream" (type $input-stream (eq $outer-stream)))
    (export "get-stdin" (func (result (own $input-stream))))))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $output-stream (type $outer-stream))
    (export "output-stream" (type $output-stream (eq $outer-stream)))
    (export "get-stdout" (func (result (own $output-stream))))))
  (import "wasi:cli/stderr@0.2.0" (instance $stderr
    (alias outer 1 $output-stream (type $outer-stream))
    (export "output-stream" (type $output-stream (eq $outer-stream)))
    (export "get-stderr" (func (result (own $output-stream))))))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
    (alias outer 1 $pollable (type $outer-pollable))
    (export "pollable" (type $pollable (eq $outer-pollable)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $pollable))))))
  (import "wasi:random/random@0.2.0" (instance $random
    (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))

  (core module $storage
    (memory (export "memory") 64)
    (global $free (mut i32) (i32.const 65536))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.set $free (i32.add (local.get $at) (local.get 3)))
      (local.get $at))
    ;; What the calls so far gave is used no more.
    (func (export "forget") (global.set $free (i32.const 131072)))
    (data (i32.const 256) "[]\0a=out\0aerr\0a")
    (data (i32.const 320) "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\0a"))
  (core instance $storage (instantiate $storage))

  (core func $get-environment (canon lower (func $environment "get-environment")
    (memory $storage "memory") (realloc (func $storage "realloc"))))
  (core func $get-arguments (canon lower (func $environment "get-arguments")
    (memory $storage "memory") (realloc (func $storage "realloc"))))
  (core func $exit (canon lower (func $exit "exit")))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core func $read (canon lower (func $streams "[method]input-stream.blocking-read")
    (memory $storage "memory") (realloc (func $storage "realloc"))))
  (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush")
    (memory $storage "memory")))
  (core func $get-stdin (canon lower (func $stdin "get-stdin")))
  (core func $get-stdout (canon lower (func $stdout "get-stdout")))
  (core func $get-stderr (canon lower (func $stderr "get-stderr")))
  (core func $subscribe (canon lower (func $clock "subscribe-duration")))
  (core func $random-bytes (canon lower (func $random "get-random-bytes")
    (memory $storage "memory") (realloc (func $storage "realloc"))))

  (core module $program
    (import "host" "get-environment" (func $get-environment (param i32)))
    (import "host" "get-arguments" (func $get-arguments (param i32)))
    (import "host" "exit" (func $exit (param i32)))
    (import "host" "block" (func $block (param i32)))
    (import "host" "read" (func $read (param i32 i64 i32)))
    (import "host" "write" (func $write (param i32 i32 i32 i32)))
    (import "host" "get-stdin" (func $get-stdin (result i32)))
    (import "host" "get-stdout" (func $get-stdout (result i32)))
    (import "host" "get-stderr" (func $get-stderr (result i32)))
    (import "host" "subscribe" (func $subscribe (param i64) (result i32)))
    (import "host" "random-bytes" (func $random-bytes (param i64 i32)))
    (import "storage" "memory" (memory 64))
    (import "storage" "forget" (func $forget))
    (global $out (mut i32) (i32.const 0))
    (global $failed (mut i32) (i32.const 0))

    (func $put (param $text i32) (param $size i32)
      (if (local.get $size) (then
        (call $write (global.get $out) (local.get $text) (local.get $size) (i32.const 32))
        (if (i32.load8_u (i32.const 32)) (then (global.set $failed (i32.const 1)))))))
    (func $put_pair (param $at i32)
      (call $put (i32.load (local.get $at)) (i32.load offset=4 (local.get $at))))

    (func $arguments (param $at i32) (param $end i32)
      (block $done (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (call $put (i32.const 256) (i32.const 1))
        (call $put_pair (local.get $at))
        (call $put (i32.const 257) (i32.const 2))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br $next))))

    (func $variables
      (local $at i32) (local $end i32)
      (call $get-environment (i32.const 16))
      (local.set $at (i32.load (i32.const 16)))
      (local.set $end (i32.add (local.get $at) (i32.mul (i32.load (i32.const 20)) (i32.const 16))))
      (block $done (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (call $put (i32.const 256) (i32.const 1))
        (call $put_pair (local.get $at))
        (call $put (i32.const 259) (i32.const 1))
        (call $put_pair (i32.add (local.get $at) (i32.const 8)))
        (call $put (i32.const 257) (i32.const 2))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $next))))

    (func $cat
      (local $in i32)
      (local.set $in (call $get-stdin))
      (loop $more
        (call $read (local.get $in) (i64.const 4096) (i32.const 16))
        (if (i32.eqz (i32.load8_u (i32.const 16))) (then
          (call $put_pair (i32.const 20))
          (call $forget)
          (br $more)))))

    (func $flood
      (local $i i32)
      (loop $next
        (call $put (i32.const 320) (i32.const 50))
        (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 20000)))))

    (func $crash
      (unreachable)) ;; TRAPS unreachable

    (func (export "run") (result i32)
      (local $list i32) (local $what i32)
      (global.set $out (call $get-stdout))
      (call $get-arguments (i32.const 0))
      (local.set $list (i32.load (i32.const 0)))
      (if (i32.lt_u (i32.load (i32.const 4)) (i32.const 2)) (then (return (i32.const 1))))
      (local.set $what (i32.load8_u (i32.load offset=8 (local.get $list))))
      (if (i32.eq (local.get $what) (i32.const 97)) (then
        (call $arguments (i32.add (local.get $list) (i32.const 16))
          (i32.add (local.get $list) (i32.mul (i32.load (i32.const 4)) (i32.const 8))))))
      (if (i32.eq (local.get $what) (i32.const 101)) (then (call $variables)))
      (if (i32.eq (local.get $what) (i32.const 99)) (then (call $cat)))
      (if (i32.eq (local.get $what) (i32.const 102)) (then (call $flood)))
      (if (i32.eq (local.get $what) (i32.const 120)) (then (call $exit (i32.const 1))))
      (if (i32.eq (local.get $what) (i32.const 111)) (then
        (call $put (i32.const 260) (i32.const 4))
        (global.set $out (call $get-stderr))
        (call $put (i32.const 264) (i32.const 4))))
      (if (i32.eq (local.get $what) (i32.const 115)) (then (call $block (call $subscribe (i64.const 4000000000000000000)))))
      (if (i32.eq (local.get $what) (i32.const 116)) (then (call $crash)))
      (if (i32.eq (local.get $what) (i32.const 114)) (then
        (call $random-bytes (i64.const 9) (i32.const 16))
        (i32.store8 (i32.const 64) (i32.add (i32.const 48) (i32.load (i32.const 20))))
        (i32.store8 (i32.const 65) (i32.const 10))
        (call $put (i32.const 64) (i32.const 2))))
      (global.get $failed)))
  (core instance $program (instantiate $program
    (with "host" (instance
      (export "get-environment" (func $get-environment))
      (export "get-arguments" (func $get-arguments))
      (export "exit" (func $exit))
      (export "block" (func $block))
      (export "read" (func $read))
      (export "write" (func $write))
      (export "get-stdin" (func $get-stdin))
      (export "get-stdout" (func $get-stdout))
      (export "get-stderr" (func $get-stderr))
      (export "subscribe" (func $subscribe))
      (export "random-bytes" (func $random-bytes))))
    (with "storage" (instance $storage))))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
