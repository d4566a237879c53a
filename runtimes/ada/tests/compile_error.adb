procedure Compile_Error is
begin
   null +;
end Compile_Error;
