#!/usr/bin/env escript
%% -*- coding: utf-8 -*-
main(_) ->
    halt(3).
