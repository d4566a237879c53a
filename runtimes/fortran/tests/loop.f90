program l
  integer :: n
  n = 0
  do
    n = n + 1
    if (n < 0) n = 0
  end do
end program l
