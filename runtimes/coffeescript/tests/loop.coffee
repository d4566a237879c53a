loop undefined
