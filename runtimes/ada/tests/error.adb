procedure Error is
begin
   raise Program_Error with "boom";
end Error;
