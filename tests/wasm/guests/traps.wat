;; One exported function for each kind of trap that needs no feature that is off; the line that traps is told in LINES below.
(module
  (memory 1 1)
  (table $table 3 funcref)
  (type $nothing (func))
  (type $number (func (result i32)))
  (func $gives_number (result i32) (i32.const 1))
  (elem (table $table) (i32.const 1) func $gives_number)

  (func $unreachable (export "unreachable")
    (unreachable)) ;; TRAPS unreachable
  (func $divide (param $by i32) (result i32)
    (i32.div_s (i32.const 1) (local.get $by))) ;; TRAPS integer_divide_by_zero
  (func $integer_divide_by_zero (export "integer_divide_by_zero")
    (drop (call $divide (i32.const 0))))
  (func $integer_overflow (export "integer_overflow") (result i32)
    (i32.div_s (i32.const -2147483648) (i32.const -1))) ;; TRAPS integer_overflow
  (func $invalid_conversion_to_integer (export "invalid_conversion_to_integer") (result i32)
    (i32.trunc_f32_s (f32.const nan))) ;; TRAPS invalid_conversion_to_integer
  (func $memory_out_of_bounds (export "memory_out_of_bounds") (result i32)
    (i32.load (i32.const 65533))) ;; TRAPS memory_out_of_bounds
  (func $far (export "far") (result i32)
    (i32.load offset=0xfffffff0 (i32.const -16)))
  (func $copy (export "copy")
    (memory.copy (i32.const 65530) (i32.const 0) (i32.const 100)))
  (func $table_out_of_bounds (export "table_out_of_bounds")
    (call_indirect $table (type $nothing) (i32.const 3))) ;; TRAPS table_out_of_bounds
  (func $indirect_call_to_null (export "indirect_call_to_null")
    (call_indirect $table (type $nothing) (i32.const 0))) ;; TRAPS indirect_call_to_null
  (func $indirect_call_type_mismatch (export "indirect_call_type_mismatch")
    (call_indirect $table (type $nothing) (i32.const 1))) ;; TRAPS indirect_call_type_mismatch
  (func $stack_overflow (export "stack_overflow")
    (call $stack_overflow)) ;; TRAPS stack_overflow
  (func (export "_start")
    (call $integer_divide_by_zero)))
