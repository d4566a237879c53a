;; A module reaches only what it is handed. This one prints greeting.txt of the first directory that it was given:
;;
;;   mkdir -p /tmp/data; echo "Good morning" > /tmp/data/greeting.txt
;;   sandpit run --read /tmp/data examples/capabilities.wat
(module
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $fd_prestat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param $dir i32) (param $lookup i32) (param $path i32) (param $size i32) (param $open i32)
      (param $rights i64) (param $inheriting i64) (param $flags i32) (param $fd i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 256) "greeting.txt")
  (data (i32.const 512) "no directory was granted: try --read DIR\0a")
  (data (i32.const 640) "can't open greeting.txt in the granted directory\0a")

  ;; 0: what WASI answers; 16 and 20: one part to read or write; 1024: the file's text.

  (func $part (param $text i32) (param $size i32)
    (i32.store (i32.const 16) (local.get $text))
    (i32.store (i32.const 20) (local.get $size)))

  (func $fail (param $text i32) (param $size i32)
    (call $part (local.get $text) (local.get $size))
    (drop (call $fd_write (i32.const 2) (i32.const 16) (i32.const 1) (i32.const 0)))
    (call $proc_exit (i32.const 1))
    (unreachable))

  (func (export "_start")
    (local $file i32)
    ;; 3 is the first preopened directory.
    (if (call $fd_prestat_get (i32.const 3) (i32.const 0))
      (then (call $fail (i32.const 512) (i32.const 41))))
    (if (call $path_open (i32.const 3) (i32.const 0) (i32.const 256) (i32.const 12) (i32.const 0)
          (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 0))
      (then (call $fail (i32.const 640) (i32.const 49))))
    (local.set $file (i32.load (i32.const 0)))
    (block $end
      (loop $more
        (call $part (i32.const 1024) (i32.const 4096))
        (br_if $end (call $fd_read (local.get $file) (i32.const 16) (i32.const 1) (i32.const 0)))
        (br_if $end (i32.eqz (i32.load (i32.const 0))))
        (call $part (i32.const 1024) (i32.load (i32.const 0)))
        (drop (call $fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 4)))
        (br $more)))))
