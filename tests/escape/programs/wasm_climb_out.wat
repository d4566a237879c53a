;; Opens a file of the host by every descriptor that could be a directory, by names that lead up, and by whole paths.
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "ESCAPED\0aCONTAINED\0a")
  (data (i32.const 128) "../../../../../../etc/passwd")  ;; from 145 on: /etc/passwd; from 146 on: etc/passwd
  (data (i32.const 192) "passwd")
  (global $found (mut i32) (i32.const 0))
  (func $try (param $fd i32) (param $name i32) (param $size i32)
    (if (i32.eqz (call $path_open (local.get $fd) (i32.const 1) (local.get $name) (local.get $size) (i32.const 0) (i64.const 2)
                   (i64.const 0) (i32.const 0) (i32.const 0)))
      (then (global.set $found (i32.const 1)))))
  (func (export "_start")
    (local $fd i32)
    (loop $next
      (call $try (local.get $fd) (i32.const 128) (i32.const 28))
      (call $try (local.get $fd) (i32.const 145) (i32.const 11))
      (call $try (local.get $fd) (i32.const 146) (i32.const 10))
      (call $try (local.get $fd) (i32.const 192) (i32.const 6))
      (local.set $fd (i32.add (local.get $fd) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $fd) (i32.const 64))))
    (i32.store (i32.const 0) (select (i32.const 64) (i32.const 72) (global.get $found)))
    (i32.store (i32.const 4) (select (i32.const 8) (i32.const 10) (global.get $found)))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
