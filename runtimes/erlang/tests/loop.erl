#!/usr/bin/env escript
%% -*- coding: utf-8 -*-
main(Arguments) ->
    main(Arguments).
