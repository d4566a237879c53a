program e
  integer :: a
  a = "text" +
end program e
