(module (memory i64 1) (memory $s 1 1 shared) (tag $e (param i32)) (type $a (array (mut i8))) (rec (type $s (struct (field i32))))
 (func (export "_start") (return_call $g (i32.const 3)))
 (func $g (param i32) (block (result i32) (try_table (catch $e 0) (throw $e (local.get 0))) (i32.const 1)) (drop) (drop (array.new $a (i32.const 1) (i32.const 9)))
  (drop (i32x4.relaxed_trunc_f32x4_s (v128.const f32x4 1 2 nan 4)))))
