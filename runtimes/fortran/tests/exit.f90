program e
  call exit(3)
end program e
