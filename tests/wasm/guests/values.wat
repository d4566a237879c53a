;; Core functions for --invoke.
(module
  (memory (export "memory") 1)
  (global (export "global") i32 (i32.const 7))
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "add64") (param i64 i64) (result i64) (i64.add (local.get 0) (local.get 1)))
  (func (export "half32") (param f32) (result f32) (f32.mul (local.get 0) (f32.const 0.5)))
  (func (export "half64") (param f64) (result f64) (f64.mul (local.get 0) (f64.const 0.5)))
  (func (export "vector") (param v128) (result v128) (v128.not (local.get 0)))
  (func (export "both") (param i32 f64) (result f64 i32 i64) (local.get 1) (local.get 0) (i64.const -1))
  (func (export "nothing"))
  (func (export "reference") (param externref))
  (func (export "same_reference") (param funcref) (result funcref) (local.get 0)))
