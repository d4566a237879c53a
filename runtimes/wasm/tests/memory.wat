(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00" "\0e\00\00\00")
  (data (i32.const 16) "out of memory\0a")
  ;; Grows by 1 MiB and writes to each page, until there is no more.
  (func (export "_start") (local $page i32) (local $end i32)
    (loop $again
      (local.set $page (memory.grow (i32.const 16)))
      (if (i32.eq (local.get $page) (i32.const -1))
        (then
          (drop (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
          (unreachable)))
      (local.set $end (i32.add (local.get $page) (i32.const 16)))
      (loop $touch
        (i32.store (i32.shl (local.get $page) (i32.const 16)) (i32.const 1))
        (local.set $page (i32.add (local.get $page) (i32.const 1)))
        (br_if $touch (i32.lt_u (local.get $page) (local.get $end))))
      (br $again))))
