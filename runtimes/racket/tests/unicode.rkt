#lang racket/base
(displayln "Grüße, 世界 🌍")
