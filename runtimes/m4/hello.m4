define(`greeting', `Hello, World!')dnl
greeting
