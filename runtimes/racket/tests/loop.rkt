#lang racket/base
(let again () (again))
