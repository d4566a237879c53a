program e
  error stop "boom"
end program e
