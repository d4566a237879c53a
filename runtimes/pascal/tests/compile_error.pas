begin
  WriteLn('a');
  WriteLn('a' + ;
end.
