(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  ;; 0: number of arguments; 4: their bytes; 8 and 12: what is written; 256: pointers; 1024: texts, each ended by a NUL
  (func (export "_start") (local $i i32) (local $p i32) (local $n i32)
    (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
    (drop (call $args_get (i32.const 256) (i32.const 1024)))
    (local.set $i (i32.const 1))
    (loop $next
      (if (i32.lt_u (local.get $i) (i32.load (i32.const 0)))
        (then
          (local.set $p (i32.load (i32.add (i32.const 256) (i32.shl (local.get $i) (i32.const 2)))))
          (local.set $n (i32.const 0))
          (loop $length
            (if (i32.load8_u (i32.add (local.get $p) (local.get $n)))
              (then
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br $length))))
          ;; The NUL becomes the end of the line.
          (i32.store8 (i32.add (local.get $p) (local.get $n)) (i32.const 10))
          (i32.store (i32.const 8) (local.get $p))
          (i32.store (i32.const 12) (i32.add (local.get $n) (i32.const 1)))
          (drop (call $fd_write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16)))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br $next))))))
