#!/usr/bin/env escript
%% -*- coding: utf-8 -*-
main(_) ->
    io:format("Hello, World!~n").
