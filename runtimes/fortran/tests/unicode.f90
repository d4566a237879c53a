program hello
  print "(A)", "Grüße, 世界 🌍"
end program hello
