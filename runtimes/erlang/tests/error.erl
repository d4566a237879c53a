#!/usr/bin/env escript
%% -*- coding: utf-8 -*-
main(_) ->
    error(boom).
