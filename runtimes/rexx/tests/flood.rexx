do forever
  say "yes yes yes yes yes yes yes yes yes yes yes yes yes yes yes yes"
end
