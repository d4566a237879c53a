;; sandpit run examples/fibonacci.wat -- 10              prints 55
;; sandpit run --invoke fibonacci examples/fibonacci.wat -- 10
(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 256) "usage: fibonacci N, with N from 0 to 93\0a")

  ;; 0 and 4: what WASI answers; 16 and 20: what to print; 64 to 96: digits; 1024: argv; 4096: its text.

  (func $fibonacci (export "fibonacci") (param $n i64) (result i64)
    (local $a i64) (local $b i64) (local $sum i64)
    (local.set $b (i64.const 1))
    (block $done
      (loop $next
        (br_if $done (i64.eqz (local.get $n)))
        (local.set $sum (i64.add (local.get $a) (local.get $b)))
        (local.set $a (local.get $b))
        (local.set $b (local.get $sum))
        (local.set $n (i64.sub (local.get $n) (i64.const 1)))
        (br $next)))
    (local.get $a))

  (func $print (param $fd i32) (param $text i32) (param $size i32)
    (i32.store (i32.const 16) (local.get $text))
    (i32.store (i32.const 20) (local.get $size))
    (drop (call $fd_write (local.get $fd) (i32.const 16) (i32.const 1) (i32.const 0))))

  (func $usage
    (call $print (i32.const 2) (i32.const 256) (i32.const 40))
    (call $proc_exit (i32.const 2))
    (unreachable))

  ;; The decimal number at $text, which ends with a zero byte.
  (func $parse (param $text i32) (result i64)
    (local $digit i32) (local $value i64)
    (if (i32.eqz (i32.load8_u (local.get $text))) (then (call $usage)))
    (loop $next
      (if (i32.load8_u (local.get $text))
        (then
          (local.set $digit (i32.sub (i32.load8_u (local.get $text)) (i32.const 48)))
          (if (i32.gt_u (local.get $digit) (i32.const 9)) (then (call $usage)))
          (local.set $value
            (i64.add (i64.mul (local.get $value) (i64.const 10)) (i64.extend_i32_u (local.get $digit))))
          (if (i64.gt_u (local.get $value) (i64.const 93)) (then (call $usage)))
          (local.set $text (i32.add (local.get $text) (i32.const 1)))
          (br $next))))
    (local.get $value))

  (func $print_number (param $value i64)
    (local $at i32)
    (local.set $at (i32.const 95))
    (i32.store8 (local.get $at) (i32.const 10))
    (loop $next
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at)
        (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $value) (i64.const 10)))))
      (local.set $value (i64.div_u (local.get $value) (i64.const 10)))
      (br_if $next (i64.ne (local.get $value) (i64.const 0))))
    (call $print (i32.const 1) (local.get $at) (i32.sub (i32.const 96) (local.get $at))))

  (func (export "_start")
    (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
    ;; Two arguments, the first is our own name; argv and its text have their room.
    (if (i32.ne (i32.load (i32.const 0)) (i32.const 2)) (then (call $usage)))
    (if (i32.gt_u (i32.load (i32.const 4)) (i32.const 65536)) (then (call $usage)))
    (drop (call $args_get (i32.const 1024) (i32.const 4096)))
    (call $print_number (call $fibonacci (call $parse (i32.load (i32.const 1028)))))))
