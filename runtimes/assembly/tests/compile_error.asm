global _start
section .text
_start: mov nothing, here +
