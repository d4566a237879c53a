;; A prime sieve: counts the primes below 4,000,000, a hundred times over, and prints the count. About a second.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 63) ;; 64 KiB of our own, then a byte for each number
  (global $base i32 (i32.const 65536))
  (global $limit i32 (i32.const 4000000))

  (func $sieve (result i32)
    (local $i i32) (local $j i32) (local $count i32)
    (memory.fill (global.get $base) (i32.const 1) (global.get $limit))
    (local.set $i (i32.const 2))
    (loop $next
      (if (i32.load8_u (i32.add (global.get $base) (local.get $i)))
        (then
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          ;; 2000 * 2000 is the limit; beyond it the square would overflow in the end.
          (if (i32.lt_u (local.get $i) (i32.const 2000))
            (then
              (local.set $j (i32.mul (local.get $i) (local.get $i)))
              (loop $strike
                (i32.store8 (i32.add (global.get $base) (local.get $j)) (i32.const 0))
                (local.set $j (i32.add (local.get $j) (local.get $i)))
                (br_if $strike (i32.lt_u (local.get $j) (global.get $limit))))))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (global.get $limit))))
    (local.get $count))

  ;; Decimal digits end at address 1023.
  (func $print (param $number i32)
    (local $at i32)
    (local.set $at (i32.const 1023))
    (i32.store8 (local.get $at) (i32.const 10))
    (loop $digit
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at)
        (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10))))
      (local.set $number (i32.div_u (local.get $number) (i32.const 10)))
      (br_if $digit (local.get $number)))
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (i32.sub (i32.const 1024) (local.get $at)))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))

  (func (export "_start")
    (local $round i32) (local $count i32)
    (loop $again
      (local.set $count (call $sieve))
      (local.set $round (i32.add (local.get $round) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $round) (i32.const 100))))
    (call $print (local.get $count))))
