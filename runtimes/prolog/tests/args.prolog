main :-
    current_prolog_flag(argv, Arguments),
    forall(member(A, Arguments), writeln(A)).
