main :- writeln("Hello, World!").
