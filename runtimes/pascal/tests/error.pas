begin
  WriteLn(StdErr, 'boom');
  RunError(217);
end.
