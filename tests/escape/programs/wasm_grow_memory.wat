;; Grows its memory to 128 MiB and writes into each page.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "ESCAPED\0aCONTAINED\0a")
  (func $say (param $at i32) (param $size i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $size))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func (export "_start")
    (local $page i32)
    (loop $next
      (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then (call $say (i32.const 72) (i32.const 10)) return))
      (local.set $page (i32.add (local.get $page) (i32.const 1)))
      (memory.fill (i32.shl (local.get $page) (i32.const 16)) (i32.const 1) (i32.const 65536))
      (br_if $next (i32.lt_u (local.get $page) (i32.const 2048))))
    (call $say (i32.const 64) (i32.const 8))))
