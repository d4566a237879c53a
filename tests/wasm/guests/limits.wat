;; Programs that want more than they may have; each is called by --invoke.
(module
  (memory $memory (export "memory") 1)
  (table $table 1 funcref)
  (func $touch (param $pages i32)
    (i32.store (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4)) (i32.const 1)))
  ;; Grows until that fails, and says how many pages there are.
  (func (export "grow_memory") (result i32)
    (loop $more
      (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
    (memory.size))
  ;; The same, and uses every page.
  (func (export "fill_memory") (result i32)
    (local $at i32)
    (block $end
      (loop $more
        (br_if $end (i32.eq (memory.grow (i32.const 16)) (i32.const -1)))
        (memory.fill (i32.mul (i32.sub (memory.size) (i32.const 16)) (i32.const 65536)) (i32.const 1) (i32.const 1048576))
        (br $more)))
    (memory.size))
  ;; An allocator that gives up.
  (func $must_grow (export "must_grow")
    (loop $more
      (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then (unreachable)))
      (br $more)))
  (func (export "grow_table") (result i32)
    (loop $more
      (br_if $more (i32.ne (table.grow $table (ref.null func) (i32.const 1000)) (i32.const -1))))
    (table.size $table))
  (func (export "memory_of") (param $pages i32) (result i32)
    (memory.grow (local.get $pages)))
  (func $deep (export "deep") (param $n i32) (result i32)
    (if (result i32) (local.get $n)
      (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get $n) (i32.const 1)))))
      (else (i32.const 0))))
  (func (export "spin")
    (loop $again (br_if $again (i32.const 1))))
  ;; A bomb of conditional branches, in 64 nested blocks.
  (func (export "count") (param $n i32) (result i32)
    (local $i i32)
    (loop $again
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $i))
  (func (export "fill") (param $size i32)
    ;; One instruction that takes long.
    (loop $again
      (memory.fill (i32.const 0) (i32.const 7) (local.get $size))
      (br $again))))
