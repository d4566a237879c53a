begin
  WriteLn('Hello, World!');
end.
