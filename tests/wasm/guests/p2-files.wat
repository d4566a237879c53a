;; wasi:filesystem of preview 2: three arguments OP PATH TEXT for each call, on the first preopened directory.
;; Prints OP with 99 for success or the number of the error code, and what was read.
;;   r  reads PATH   w  writes TEXT to it   l  makes it a link to TEXT   u  unlinks it
(component
  (import "wasi:cli/environment@0.2.0" (instance $environment
    (export "get-arguments" (func (result (list string))))))
  (import "wasi:io/error@0.2.0" (instance $errors (export "error" (type (sub resource)))))
  (alias export $errors "error" (type $error))
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
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $output-stream (type $outer-stream))
    (export "output-stream" (type $output-stream (eq $outer-stream)))
    (export "get-stdout" (func (result (own $output-stream))))))
  (import "wasi:filesystem/types@0.2.0" (instance $filesystem
    (export "descriptor" (type $descriptor (sub resource)))
    (type $codes (enum
        "access" "would-block" "already" "bad-descriptor" "busy" "deadlock" "quota"
        "exist" "file-too-large" "illegal-byte-sequence" "in-progress" "interrupted" "invalid" "io"
        "is-directory" "loop" "too-many-links" "message-size" "name-too-long" "no-device" "no-entry"
        "no-lock" "insufficient-memory" "insufficient-space" "not-directory" "not-empty" "not-recoverable" "unsupported"
        "no-tty" "no-such-device" "overflow" "not-permitted" "pipe" "read-only" "invalid-seek"
        "text-file-busy" "cross-device"))
    (export "error-code" (type $error-code (eq $codes)))
    (type $path-bits (flags "symlink-follow"))
    (export "path-flags" (type $path-flags (eq $path-bits)))
    (type $open-bits (flags "create" "directory" "exclusive" "truncate"))
    (export "open-flags" (type $open-flags (eq $open-bits)))
    (type $descriptor-bits (flags
      "read" "write" "file-integrity-sync" "data-integrity-sync" "requested-write-sync" "mutate-directory"))
    (export "descriptor-flags" (type $descriptor-flags (eq $descriptor-bits)))
    (export "[method]descriptor.open-at"
      (func (param "self" (borrow $descriptor)) (param "path-flags" $path-flags) (param "path" string)
        (param "open-flags" $open-flags) (param "flags" $descriptor-flags)
        (result (result (own $descriptor) (error $error-code)))))
    (export "[method]descriptor.read"
      (func (param "self" (borrow $descriptor)) (param "length" u64) (param "offset" u64)
        (result (result (tuple (list u8) bool) (error $error-code)))))
    (export "[method]descriptor.write"
      (func (param "self" (borrow $descriptor)) (param "buffer" (list u8)) (param "offset" u64)
        (result (result u64 (error $error-code)))))
    (export "[method]descriptor.symlink-at"
      (func (param "self" (borrow $descriptor)) (param "old-path" string) (param "new-path" string)
        (result (result (error $error-code)))))
    (export "[method]descriptor.unlink-file-at"
      (func (param "self" (borrow $descriptor)) (param "path" string) (result (result (error $error-code)))))))
  (alias export $filesystem "descriptor" (type $descriptor))
  (import "wasi:filesystem/preopens@0.2.0" (instance $preopens
    (alias outer 1 $descriptor (type $outer-descriptor))
    (export "descriptor" (type $descriptor (eq $outer-descriptor)))
    (export "get-directories" (func (result (list (tuple (own $descriptor) string)))))))

  (core module $storage
    (memory (export "memory") 4)
    (global $free (mut i32) (i32.const 65536))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.set $free (i32.add (local.get $at) (local.get 3)))
      (local.get $at)))
  (core instance $storage (instantiate $storage))

  (core func $get-arguments (canon lower (func $environment "get-arguments")
    (memory $storage "memory") (realloc (func $storage "realloc"))))
  (core func $write-out (canon lower (func $streams "[method]output-stream.blocking-write-and-flush")
    (memory $storage "memory")))
  (core func $get-stdout (canon lower (func $stdout "get-stdout")))
  (core func $get-directories (canon lower (func $preopens "get-directories")
    (memory $storage "memory") (realloc (func $storage "realloc"))))
  (core func $open-at (canon lower (func $filesystem "[method]descriptor.open-at") (memory $storage "memory")))
  (core func $read (canon lower (func $filesystem "[method]descriptor.read")
    (memory $storage "memory") (realloc (func $storage "realloc"))))
  (core func $write (canon lower (func $filesystem "[method]descriptor.write") (memory $storage "memory")))
  (core func $symlink-at (canon lower (func $filesystem "[method]descriptor.symlink-at") (memory $storage "memory")))
  (core func $unlink-at (canon lower (func $filesystem "[method]descriptor.unlink-file-at") (memory $storage "memory")))

  (core module $program
    (import "host" "get-arguments" (func $get-arguments (param i32)))
    (import "host" "write-out" (func $write-out (param i32 i32 i32 i32)))
    (import "host" "get-stdout" (func $get-stdout (result i32)))
    (import "host" "get-directories" (func $get-directories (param i32)))
    (import "host" "open-at" (func $open-at (param i32 i32 i32 i32 i32 i32 i32)))
    (import "host" "read" (func $read (param i32 i64 i64 i32)))
    (import "host" "write" (func $write (param i32 i32 i32 i64 i32)))
    (import "host" "symlink-at" (func $symlink-at (param i32 i32 i32 i32 i32 i32)))
    (import "host" "unlink-at" (func $unlink-at (param i32 i32 i32 i32)))
    (import "storage" "memory" (memory 4))
    (global $op (mut i32) (i32.const 0))
    (global $at (mut i32) (i32.const 0))
    (global $root (mut i32) (i32.const 0))

    (func $put (param $text i32) (param $size i32)
      (if (local.get $size) (then (call $write-out (call $get-stdout) (local.get $text) (local.get $size) (i32.const 32)))))
    ;; A letter, a number of at most two digits, and a space.
    (func $say (param $letter i32) (param $n i32)
      (i32.store8 (i32.const 64) (local.get $letter))
      (i32.store8 (i32.const 65) (i32.add (i32.const 48) (i32.div_u (local.get $n) (i32.const 10))))
      (i32.store8 (i32.const 66) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
      (i32.store8 (i32.const 67) (i32.const 32))
      (call $put (i32.const 64) (i32.const 4)))

    ;; The code of the answer at 0, its payload at $payload; 99 is success.
    (func $code (param $payload i32) (result i32)
      (if (result i32) (i32.load8_u (i32.const 0))
        (then (i32.load8_u (local.get $payload)))
        (else (i32.const 99))))
    (func $open (param $create i32) (param $flags i32) (result i32)
      (call $open-at (global.get $root) (i32.const 1) (i32.load offset=8 (global.get $at)) (i32.load offset=12 (global.get $at))
        (local.get $create) (local.get $flags) (i32.const 0))
      (call $code (i32.const 4)))
    (func $read_it
      (local $code i32)
      (local.set $code (call $open (i32.const 0) (i32.const 1)))
      (call $say (global.get $op) (local.get $code))
      (if (i32.eq (local.get $code) (i32.const 99)) (then
        (call $read (i32.load (i32.const 4)) (i64.const 4096) (i64.const 0) (i32.const 0))
        (if (i32.eqz (i32.load8_u (i32.const 0))) (then
          (call $put (i32.load (i32.const 4)) (i32.load (i32.const 8))))))))
    (func $write_it
      (local $code i32)
      (local.set $code (call $open (i32.const 9) (i32.const 2)))
      (if (i32.eq (local.get $code) (i32.const 99)) (then
        (call $write (i32.load (i32.const 4)) (i32.load offset=16 (global.get $at)) (i32.load offset=20 (global.get $at))
          (i64.const 0) (i32.const 0))
        (local.set $code (call $code (i32.const 8)))))
      (call $say (global.get $op) (local.get $code)))
    (func $one
      (if (i32.eq (global.get $op) (i32.const 114)) (then (call $read_it)))
      (if (i32.eq (global.get $op) (i32.const 119)) (then (call $write_it)))
      (if (i32.eq (global.get $op) (i32.const 108)) (then
        (call $symlink-at (global.get $root) (i32.load offset=16 (global.get $at)) (i32.load offset=20 (global.get $at))
          (i32.load offset=8 (global.get $at)) (i32.load offset=12 (global.get $at)) (i32.const 0))
        (call $say (global.get $op) (call $code (i32.const 1)))))
      (if (i32.eq (global.get $op) (i32.const 117)) (then
        (call $unlink-at (global.get $root) (i32.load offset=8 (global.get $at)) (i32.load offset=12 (global.get $at))
          (i32.const 0))
        (call $say (global.get $op) (call $code (i32.const 1)))))
      (i32.store8 (i32.const 64) (i32.const 10))
      (call $put (i32.const 64) (i32.const 1)))
    (func (export "run") (result i32)
      (local $end i32)
      (call $get-directories (i32.const 0))
      (if (i32.eqz (i32.load (i32.const 4))) (then
        (call $say (i32.const 45) (i32.const 0)) ;; "-00": nothing is granted
        (return (i32.const 0))))
      (global.set $root (i32.load (i32.load (i32.const 0))))
      (call $get-arguments (i32.const 0))
      (global.set $at (i32.add (i32.load (i32.const 0)) (i32.const 8)))
      (local.set $end (i32.add (i32.load (i32.const 0)) (i32.mul (i32.load (i32.const 4)) (i32.const 8))))
      (block $done (loop $next
        (br_if $done (i32.ge_u (global.get $at) (local.get $end)))
        (global.set $op (i32.load8_u (i32.load (global.get $at))))
        (call $one)
        (global.set $at (i32.add (global.get $at) (i32.const 24)))
        (br $next)))
      (i32.const 0)))
  (core instance $program (instantiate $program
    (with "host" (instance
      (export "get-arguments" (func $get-arguments))
      (export "write-out" (func $write-out))
      (export "get-stdout" (func $get-stdout))
      (export "get-directories" (func $get-directories))
      (export "open-at" (func $open-at))
      (export "read" (func $read))
      (export "write" (func $write))
      (export "symlink-at" (func $symlink-at))
      (export "unlink-at" (func $unlink-at))))
    (with "storage" (instance $storage))))
  (func $run (result (result)) (canon lift (core func $program "run")))
  (instance $command (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $command)))
