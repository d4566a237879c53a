(error #f "boom")
