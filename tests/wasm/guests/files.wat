;; Calls of preview 1's file system: four arguments OP FD PATH TEXT for each. Prints OP with the errno, and what was read.
;;   r  reads PATH   n  the same, not following a link   w  writes TEXT to PATH   u  unlinks it   d, x  makes and removes
;;   a directory   l  links PATH to TEXT   h  the same, a hard link   m  renames PATH to TEXT   k  the target of a link
;;   s  its status   p  the name of the preopened FD   F  opens PATH until that fails, and prints how often it did not
;;   b  writes blocks of 64 KiB to PATH until that fails (at most 4096), and prints how many went
(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $fd_prestat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_dir_name" (func $fd_prestat_dir_name (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file" (func $path_unlink_file (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_create_directory" (func $path_create_directory (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_remove_directory" (func $path_remove_directory (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_symlink" (func $path_symlink (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_link" (func $path_link (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_rename" (func $path_rename (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_readlink" (func $path_readlink (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_filestat_get" (func $path_filestat_get (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 4)
  (global $op (mut i32) (i32.const 0))
  (global $fd (mut i32) (i32.const 0))
  (global $path (mut i32) (i32.const 0))
  (global $path_size (mut i32) (i32.const 0))
  (global $text (mut i32) (i32.const 0))
  (global $text_size (mut i32) (i32.const 0))

  ;; 0 to 15: what WASI answers; 16 to 31: parts; 48 to 95: a number; 1024: argv; 8192: its text; 65536: a buffer.

  (func $write (param $fd i32) (param $text i32) (param $size i32) (result i32)
    (i32.store (i32.const 16) (local.get $text))
    (i32.store (i32.const 20) (local.get $size))
    (call $fd_write (local.get $fd) (i32.const 16) (i32.const 1) (i32.const 24)))
  (func $put (param $text i32) (param $size i32)
    (drop (call $write (i32.const 1) (local.get $text) (local.get $size))))
  (func $newline
    (i32.store8 (i32.const 96) (i32.const 10))
    (call $put (i32.const 96) (i32.const 1)))
  ;; A letter, a number and a space.
  (func $say (param $letter i32) (param $n i32)
    (local $at i32)
    (local.set $at (i32.const 95))
    (i32.store8 (i32.const 95) (i32.const 32))
    (loop $next
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
      (local.set $n (i32.div_u (local.get $n) (i32.const 10)))
      (br_if $next (local.get $n)))
    (local.set $at (i32.sub (local.get $at) (i32.const 1)))
    (i32.store8 (local.get $at) (local.get $letter))
    (call $put (local.get $at) (i32.sub (i32.const 96) (local.get $at))))
  (func $length (param $text i32) (result i32)
    (local $n i32)
    (loop $next
      (if (i32.load8_u (i32.add (local.get $text) (local.get $n))) (then
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br $next))))
    (local.get $n))

  (func $open (param $lookup i32) (param $create i32) (param $rights i64) (result i32)
    (call $path_open (global.get $fd) (local.get $lookup) (global.get $path) (global.get $path_size)
      (local.get $create) (local.get $rights) (i64.const 0) (i32.const 0) (i32.const 0)))

  (func $read (param $lookup i32)
    (local $errno i32)
    (local.set $errno (call $open (local.get $lookup) (i32.const 0) (i64.const 2)))
    (call $say (global.get $op) (local.get $errno))
    (if (i32.eqz (local.get $errno)) (then
      (i32.store (i32.const 16) (i32.const 65536))
      (i32.store (i32.const 20) (i32.const 4096))
      (if (i32.eqz (call $fd_read (i32.load (i32.const 0)) (i32.const 16) (i32.const 1) (i32.const 4)))
        (then (call $put (i32.const 65536) (i32.load (i32.const 4))))))))

  (func $write_text
    (local $errno i32)
    (local.set $errno (call $open (i32.const 1) (i32.const 9) (i64.const 64)))
    (if (i32.eqz (local.get $errno)) (then
      (local.set $errno (call $write (i32.load (i32.const 0)) (global.get $text) (global.get $text_size)))))
    (call $say (global.get $op) (local.get $errno)))

  (func $write_much
    (local $errno i32) (local $n i32)
    (local.set $errno (call $open (i32.const 1) (i32.const 9) (i64.const 64)))
    (if (i32.eqz (local.get $errno)) (then
      (block $end (loop $more
        (local.set $errno (call $write (i32.load (i32.const 0)) (i32.const 65536) (i32.const 65536)))
        (br_if $end (local.get $errno))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $more (i32.lt_u (local.get $n) (i32.const 4096)))))))
    (call $say (global.get $op) (local.get $errno))
    (call $say (i32.const 35) (local.get $n)))

  (func $open_many
    (local $errno i32) (local $n i32)
    (block $end (loop $more
      (local.set $errno (call $open (i32.const 1) (i32.const 0) (i64.const 2)))
      (br_if $end (local.get $errno))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $n) (i32.const 1000000)))))
    (call $say (global.get $op) (local.get $errno))
    (call $say (i32.const 35) (local.get $n)))

  (func $name_of_preopen
    (local $errno i32)
    (local.set $errno (call $fd_prestat_get (global.get $fd) (i32.const 0)))
    (call $say (global.get $op) (local.get $errno))
    (if (i32.eqz (local.get $errno)) (then
      (drop (call $fd_prestat_dir_name (global.get $fd) (i32.const 65536) (i32.load (i32.const 4))))
      (call $put (i32.const 65536) (i32.load (i32.const 4))))))

  (func $target
    (local $errno i32)
    (local.set $errno (call $path_readlink (global.get $fd) (global.get $path) (global.get $path_size)
      (i32.const 65536) (i32.const 4096) (i32.const 0)))
    (call $say (global.get $op) (local.get $errno))
    (if (i32.eqz (local.get $errno)) (then (call $put (i32.const 65536) (i32.load (i32.const 0))))))

  (func $one
    (if (i32.eq (global.get $op) (i32.const 114)) (then (call $read (i32.const 1))))
    (if (i32.eq (global.get $op) (i32.const 110)) (then (call $read (i32.const 0))))
    (if (i32.eq (global.get $op) (i32.const 119)) (then (call $write_text)))
    (if (i32.eq (global.get $op) (i32.const 98)) (then (call $write_much)))
    (if (i32.eq (global.get $op) (i32.const 70)) (then (call $open_many)))
    (if (i32.eq (global.get $op) (i32.const 112)) (then (call $name_of_preopen)))
    (if (i32.eq (global.get $op) (i32.const 107)) (then (call $target)))
    (if (i32.eq (global.get $op) (i32.const 117)) (then (call $say (global.get $op)
      (call $path_unlink_file (global.get $fd) (global.get $path) (global.get $path_size)))))
    (if (i32.eq (global.get $op) (i32.const 100)) (then (call $say (global.get $op)
      (call $path_create_directory (global.get $fd) (global.get $path) (global.get $path_size)))))
    (if (i32.eq (global.get $op) (i32.const 120)) (then (call $say (global.get $op)
      (call $path_remove_directory (global.get $fd) (global.get $path) (global.get $path_size)))))
    (if (i32.eq (global.get $op) (i32.const 108)) (then (call $say (global.get $op)
      (call $path_symlink (global.get $text) (global.get $text_size)
        (global.get $fd) (global.get $path) (global.get $path_size)))))
    (if (i32.eq (global.get $op) (i32.const 104)) (then (call $say (global.get $op)
      (call $path_link (global.get $fd) (i32.const 0) (global.get $text) (global.get $text_size)
        (global.get $fd) (global.get $path) (global.get $path_size)))))
    (if (i32.eq (global.get $op) (i32.const 109)) (then (call $say (global.get $op)
      (call $path_rename (global.get $fd) (global.get $path) (global.get $path_size)
        (global.get $fd) (global.get $text) (global.get $text_size)))))
    (if (i32.eq (global.get $op) (i32.const 115)) (then (call $say (global.get $op)
      (call $path_filestat_get (global.get $fd) (i32.const 1) (global.get $path) (global.get $path_size)
        (i32.const 65536)))))
    (call $newline))

  (func (export "_start")
    (local $at i32) (local $end i32)
    (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
    (local.set $at (i32.const 1028))
    (local.set $end (i32.add (i32.const 1024) (i32.mul (i32.load (i32.const 0)) (i32.const 4))))
    (drop (call $args_get (i32.const 1024) (i32.const 8192)))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
      (global.set $op (i32.load8_u (i32.load (local.get $at))))
      (global.set $fd (i32.sub (i32.load8_u (i32.load offset=4 (local.get $at))) (i32.const 48)))
      (global.set $path (i32.load offset=8 (local.get $at)))
      (global.set $text (i32.load offset=12 (local.get $at)))
      (global.set $path_size (call $length (global.get $path)))
      (global.set $text_size (call $length (global.get $text)))
      (call $one)
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br $next)))))
