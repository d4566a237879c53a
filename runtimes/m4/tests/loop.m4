define(`again', `again')again
