#!/usr/bin/env escript
%% -*- coding: utf-8 -*-
main(_) ->
    io:setopts([{encoding, unicode}]),
    io:format("~ts~n", [<<"Grüße, 世界 🌍"/utf8>>]).
