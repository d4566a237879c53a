var
  i: integer;
begin
  for i := 1 to ParamCount do
    WriteLn(ParamStr(i));
end.
