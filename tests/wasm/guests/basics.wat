;; A preview 1 command; the first letter of its first argument says what it does.
;;   a  prints the other arguments   e  prints the environment   c  copies stdin to stdout   x N  exits with N
;;   f  floods stdout   o  a line to stdout, one to stderr   s  sleeps for years   S  the same, by an absolute time
;;   p  waits for years for stdin, in poll_oneoff   w  the errno of a write to stdout   r  the errno of a read from stdin
;;   n  counts calls of clock_time_get for ever   k  the errno of sock_accept on stdin
(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_accept" (func $sock_accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 4)
  (data (i32.const 256) "[]\0a")
  (data (i32.const 260) "out\0aerr\0ahead\0atail\0awent on\0a")
  (data (i32.const 320) "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\0a")

  ;; 0 to 7: what WASI answers; 16 to 31: parts; 512: a subscription; 1024: argv; 8192: its text; 65536: a buffer.

  (func $write (param $fd i32) (param $text i32) (param $size i32) (result i32)
    (i32.store (i32.const 16) (local.get $text))
    (i32.store (i32.const 20) (local.get $size))
    (call $fd_write (local.get $fd) (i32.const 16) (i32.const 1) (i32.const 24)))

  (func $put (param $text i32) (param $size i32)
    (local $done i32)
    (loop $more
      (if (local.get $size) (then
        (if (call $write (i32.const 1) (local.get $text) (local.get $size)) (then (call $proc_exit (i32.const 99))))
        (local.set $done (i32.load (i32.const 24)))
        (local.set $text (i32.add (local.get $text) (local.get $done)))
        (local.set $size (i32.sub (local.get $size) (local.get $done)))
        (br $more)))))

  (func $put_number (param $n i32)
    (local $at i32)
    (local.set $at (i32.const 95))
    (i32.store8 (i32.const 95) (i32.const 10))
    (loop $next
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
      (local.set $n (i32.div_u (local.get $n) (i32.const 10)))
      (br_if $next (local.get $n)))
    (call $put (local.get $at) (i32.sub (i32.const 96) (local.get $at))))

  (func $length (param $text i32) (result i32)
    (local $n i32)
    (loop $next
      (if (i32.load8_u (i32.add (local.get $text) (local.get $n))) (then
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br $next))))
    (local.get $n))

  (func $number (param $text i32) (result i32)
    (local $value i32)
    (loop $next
      (if (i32.load8_u (local.get $text)) (then
        (local.set $value (i32.add (i32.mul (local.get $value) (i32.const 10))
          (i32.sub (i32.load8_u (local.get $text)) (i32.const 48))))
        (local.set $text (i32.add (local.get $text) (i32.const 1)))
        (br $next))))
    (local.get $value))

  ;; Each string of the list at 1024, from number $i to before $count, in brackets.
  (func $list (param $i i32) (param $count i32)
    (local $text i32)
    (block $end (loop $next
      (br_if $end (i32.ge_u (local.get $i) (local.get $count)))
      (local.set $text (i32.load (i32.add (i32.const 1024) (i32.mul (local.get $i) (i32.const 4)))))
      (call $put (i32.const 256) (i32.const 1))
      (call $put (local.get $text) (call $length (local.get $text)))
      (call $put (i32.const 257) (i32.const 2))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next))))

  (func $cat
    (local $errno i32)
    (loop $more
      (i32.store (i32.const 16) (i32.const 65536))
      (i32.store (i32.const 20) (i32.const 65536))
      (local.set $errno (call $fd_read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 0)))
      (if (local.get $errno) (then (call $proc_exit (local.get $errno))))
      (if (i32.load (i32.const 0)) (then
        (call $put (i32.const 65536) (i32.load (i32.const 0)))
        (br $more)))))

  (func $flood
    (local $i i32)
    (call $put (i32.const 268) (i32.const 5))
    (loop $next
      (call $put (i32.const 320) (i32.const 50))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 20000))))
    (call $put (i32.const 273) (i32.const 5))
    (drop (call $write (i32.const 2) (i32.const 278) (i32.const 8))))

  ;; A subscription to the monotonic clock, in some hundred years.
  (func $sleep (param $flags i32)
    (i32.store8 (i32.const 520) (i32.const 0))
    (i32.store (i32.const 528) (i32.const 1))
    (i64.store (i32.const 536) (i64.const 4000000000000000000))
    (i32.store16 (i32.const 552) (local.get $flags))
    (call $put_number (call $poll_oneoff (i32.const 512) (i32.const 600) (i32.const 1) (i32.const 0))))

  (func $poll_stdin
    (i32.store8 (i32.const 520) (i32.const 1))
    (i32.store (i32.const 528) (i32.const 0))
    (call $put_number (call $poll_oneoff (i32.const 512) (i32.const 600) (i32.const 1) (i32.const 0))))

  (func $abuse_clock
    (loop $again
      (drop (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 0)))
      (br $again)))

  (func (export "_start")
    (local $count i32) (local $what i32)
    (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
    (local.set $count (i32.load (i32.const 0)))
    (drop (call $args_get (i32.const 1024) (i32.const 8192)))
    (if (i32.lt_u (local.get $count) (i32.const 2)) (then (call $proc_exit (i32.const 98))))
    (local.set $what (i32.load8_u (i32.load (i32.const 1028))))
    (if (i32.eq (local.get $what) (i32.const 97)) (then (call $list (i32.const 2) (local.get $count))))
    (if (i32.eq (local.get $what) (i32.const 101)) (then
      (drop (call $environ_sizes_get (i32.const 0) (i32.const 4)))
      (local.set $count (i32.load (i32.const 0)))
      (drop (call $environ_get (i32.const 1024) (i32.const 8192)))
      (call $list (i32.const 0) (local.get $count))))
    (if (i32.eq (local.get $what) (i32.const 99)) (then (call $cat)))
    (if (i32.eq (local.get $what) (i32.const 120)) (then (call $proc_exit (call $number (i32.load (i32.const 1032))))))
    (if (i32.eq (local.get $what) (i32.const 102)) (then (call $flood)))
    (if (i32.eq (local.get $what) (i32.const 111)) (then
      (call $put (i32.const 260) (i32.const 4))
      (drop (call $write (i32.const 2) (i32.const 264) (i32.const 4)))))
    (if (i32.eq (local.get $what) (i32.const 115)) (then (call $sleep (i32.const 0))))
    (if (i32.eq (local.get $what) (i32.const 83)) (then (call $sleep (i32.const 1))))
    (if (i32.eq (local.get $what) (i32.const 112)) (then (call $poll_stdin)))
    (if (i32.eq (local.get $what) (i32.const 119)) (then
      (call $proc_exit (call $write (i32.const 1) (i32.const 260) (i32.const 4)))))
    (if (i32.eq (local.get $what) (i32.const 114)) (then
      (i32.store (i32.const 16) (i32.const 65536))
      (i32.store (i32.const 20) (i32.const 10))
      (call $put_number (call $fd_read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 0)))
      (call $put_number (i32.load (i32.const 0)))))
    (if (i32.eq (local.get $what) (i32.const 107)) (then
      (call $put_number (call $sock_accept (i32.const 0) (i32.const 0) (i32.const 0)))))
    (if (i32.eq (local.get $what) (i32.const 110)) (then (call $abuse_clock)))))
