#!/usr/bin/env escript
%% -*- coding: utf-8 -*-
main(Arguments) ->
    io:setopts([{encoding, unicode}]),
    lists:foreach(fun(A) -> io:format("~ts~n", [A]) end, Arguments).
